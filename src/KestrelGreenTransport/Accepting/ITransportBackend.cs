namespace KestrelGreenTransport.Accepting;

/// <summary>
/// A way to move bytes between sockets and Kestrel. Binding, matching, the pool and the accept policy are the same for
/// all of them. A backend enters its <see cref="ILoopProbe"/>s in <see cref="TransportState"/> when it starts.
/// </summary>
internal interface ITransportBackend : IAsyncDisposable
{
    /// <summary>Accepts on a socket that listens already. Called once for each <see cref="ListenSocket"/> while it is bound.</summary>
    IAcceptor Listen(ListenerContext listener);

    /// <summary>The connections that are open, at some moment: from their accept until they are disposed.</summary>
    IReadOnlyCollection<IServedConnection> Connections();
}
