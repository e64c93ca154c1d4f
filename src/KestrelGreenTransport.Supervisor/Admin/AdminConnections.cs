using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>
/// Keeps the health checks reachable. When all places are taken, a new connection replaces an idle one, the one that has
/// been idle for longest first. Requests that are not health checks never take the last places.
/// </summary>
internal sealed class AdminConnections
{
    /// <summary>How many connections may be open at a time.</summary>
    public const int Most = 64;

    /// <summary>How many of them may be busy with something other than a health check: pages, event streams, actions.</summary>
    public const int MostBusy = 48;

    private readonly Lock _gate = new();
    private readonly LinkedList<ConnectionContext> _quiet = [];
    private int _open;
    private int _busy;

    /// <summary>Serves a connection until it ends.</summary>
    public async Task Serve(ConnectionContext connection, ConnectionDelegate next)
    {
        var node = new LinkedListNode<ConnectionContext>(connection);
        connection.Items[this] = node;
        Enter(node)?.Abort(new ConnectionAbortedException("another client needs this connection's place"));
        try
        {
            await next(connection);
        }
        finally
        {
            Leave(node);
        }
    }

    /// <summary>A request begins; false if it is not a health check and there is no place for it.</summary>
    public bool TryBegin(IFeatureCollection features, bool isHealth)
    {
        lock (_gate)
        {
            if (!isHealth && _busy == MostBusy)
            {
                return false;
            }

            _busy += isHealth ? 0 : 1;
            if (NodeOf(features) is { List: not null } node)
            {
                _quiet.Remove(node);
            }

            return true;
        }
    }

    /// <summary>A request for which <see cref="TryBegin"/> returned true has been answered.</summary>
    public void End(IFeatureCollection features, bool isHealth)
    {
        lock (_gate)
        {
            _busy -= isHealth ? 0 : 1;
            if (NodeOf(features) is { List: null } node && node.Value.Items.ContainsKey(this))
            {
                _quiet.AddLast(node);
            }
        }
    }

    private LinkedListNode<ConnectionContext>? NodeOf(IFeatureCollection features) =>
        features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(this, out var node) == true ? node as LinkedListNode<ConnectionContext> : null;

    // Returns the connection to close in its place, if there is one.
    private ConnectionContext? Enter(LinkedListNode<ConnectionContext> node)
    {
        lock (_gate)
        {
            ConnectionContext? idlest = null;
            if (++_open > Most && _quiet.First is { } quietest)
            {
                idlest = quietest.Value;
                _quiet.Remove(quietest);
            }

            _quiet.AddLast(node);
            return idlest;
        }
    }

    private void Leave(LinkedListNode<ConnectionContext> node)
    {
        lock (_gate)
        {
            _open--;
            node.Value.Items.Remove(this);
            if (node.List is not null)
            {
                _quiet.Remove(node);
            }
        }
    }
}
