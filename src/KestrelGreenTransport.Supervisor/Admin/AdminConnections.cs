using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>
/// Keeps the health checks reachable. A connection that asks for nothing makes way for a new one when all places are taken, the
/// one that has been quiet for longest first; and what is not a health check never takes the last places.
/// </summary>
internal sealed class AdminConnections
{
    /// <summary>How many connections are open at a time.</summary>
    public const int Most = 64;

    /// <summary>How many of them may be busy with something else than a health check: pages, streams of events, actions.</summary>
    public const int MostBusy = 48;

    private readonly Lock _gate = new();
    private readonly LinkedList<ConnectionContext> _quiet = [];
    private int _open;
    private int _busy;

    /// <summary>Serves a connection for as long as it lives.</summary>
    public async Task Serve(ConnectionContext connection, ConnectionDelegate next)
    {
        var node = new LinkedListNode<ConnectionContext>(connection);
        connection.Items[this] = node;
        Enter(node)?.Abort(new ConnectionAbortedException("another client needs the place"));
        try
        {
            await next(connection);
        }
        finally
        {
            Leave(node);
        }
    }

    /// <summary>A request begins; false when it is not a health check and there is no place for it.</summary>
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

    /// <summary>A request that has begun is answered.</summary>
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

    // The connection that makes way for it, if one has to.
    private ConnectionContext? Enter(LinkedListNode<ConnectionContext> node)
    {
        lock (_gate)
        {
            ConnectionContext? victim = null;
            if (++_open > Most && _quiet.First is { } quietest)
            {
                victim = quietest.Value;
                _quiet.Remove(quietest);
            }

            _quiet.AddLast(node);
            return victim;
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
