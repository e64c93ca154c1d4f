namespace KestrelGreenTransport.Accepting;

/// <summary>All that a backend needs to accept on one listening socket.</summary>
/// <param name="Socket">The socket. It belongs to the caller, who closes it after <see cref="IAcceptor.UnbindAsync"/>.</param>
/// <param name="Pool">The pool of slots. A slot is taken before each accept.</param>
/// <param name="Gate">Says when to accept.</param>
/// <param name="Siblings">The other processes that may accept on the same socket.</param>
/// <param name="Reporter">Reports how accepting goes.</param>
/// <param name="Options">The transport's options, validated.</param>
internal sealed record ListenerContext(ListenSocket Socket, ConnectionPool Pool, AcceptGate Gate, ISiblings Siblings, AcceptReporter Reporter, GreenTransportOptions Options)
{
    /// <summary>
    /// The most connections to accept before others get their turn: 1 if other processes accept on the same socket, so that
    /// they get theirs (gevent: BaseServer.max_accept).
    /// </summary>
    public int AcceptBatch => Options.AcceptBatch ?? (Socket.IsShared ? 1 : 100);

    /// <summary>A fresh policy for this listener.</summary>
    public AcceptPolicy CreatePolicy() => new(Options.AcceptMinDelay, Options.AcceptMaxDelay);
}
