using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace KestrelGreenTransport.Accepting;

/// <summary>One permit of a pool: reserved before the accept, held by the connection, given back exactly once.</summary>
internal sealed class Slot(ConnectionPool pool) : IDecrementConcurrentConnectionCountFeature
{
    private const int Reserved = 0;
    private const int Held = 1;
    private const int Returned = 2;

    private int _state;

    public ConnectionPool Pool => pool;

    /// <summary>A connection was accepted on this slot.</summary>
    public void Hold()
    {
        if (Interlocked.CompareExchange(ref _state, Held, Reserved) == Reserved)
        {
            pool.OnAccepted();
        }
    }

    /// <summary>Gives the slot back. Only the first call has an effect: a connection that is disposed twice frees one slot.</summary>
    public void GiveBack()
    {
        var before = Interlocked.Exchange(ref _state, Returned);
        if (before != Returned)
        {
            Interleaving.Point("a slot is given back");
            pool.OnReturned(wasHeld: before == Held);
        }
    }

    // Kestrel calls this when a connection is upgraded, if the slot is among the connection's features.
    void IDecrementConcurrentConnectionCountFeature.ReleaseConnection() => GiveBack();
}
