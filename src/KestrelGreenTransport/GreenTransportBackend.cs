namespace KestrelGreenTransport;

/// <summary>The backend that moves the bytes between sockets and Kestrel.</summary>
public enum GreenTransportBackend
{
    /// <summary>The best backend for this system: <see cref="Epoll"/> on Linux, otherwise <see cref="Sockets"/>.</summary>
    Auto,

    /// <summary>System.Net.Sockets, as in Kestrel's own transport. Runs everywhere.</summary>
    Sockets,

    /// <summary>The transport's own event loops on epoll, with the app running on their threads. Linux only.</summary>
    Epoll,
}
