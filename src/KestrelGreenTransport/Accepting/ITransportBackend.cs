namespace KestrelGreenTransport.Accepting;

/// <summary>
/// Moves bytes between sockets and Kestrel. Binding, matching, the pool and the accept policy are the same for all
/// backends. A backend adds its <see cref="ILoopProbe"/>s to <see cref="TransportState"/> when it starts.
/// </summary>
internal interface ITransportBackend : IAsyncDisposable
{
    /// <summary>Accepts on a socket that already listens. Called once for each <see cref="ListenSocket"/> while it is bound.</summary>
    IAcceptor Listen(ListenerContext listener);

    /// <summary>The connections that are open at this moment: from their accept until they are disposed.</summary>
    IReadOnlyCollection<IServedConnection> Connections();
}
