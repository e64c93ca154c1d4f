namespace KestrelGreenTransport;

/// <summary>What moves the bytes between sockets and Kestrel.</summary>
public enum GreenTransportBackend
{
    /// <summary>The best one for this system: <see cref="Epoll"/> on Linux, else <see cref="Sockets"/>.</summary>
    Auto,

    /// <summary>System.Net.Sockets, as in Kestrel's own transport. Runs everywhere.</summary>
    Sockets,

    /// <summary>Event loops of our own on epoll, the app running on their threads. Linux.</summary>
    Epoll,
}
