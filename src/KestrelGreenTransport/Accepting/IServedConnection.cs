namespace KestrelGreenTransport.Accepting;

/// <summary>A backend's connection, as seen by code that ends connections: the drain and the reclaim of idle ones.</summary>
internal interface IServedConnection
{
    string ConnectionId { get; }

    ConnectionActivity Activity { get; }

    /// <summary>The pool of its slot.</summary>
    ConnectionPool Pool { get; }

    /// <summary>Whether bytes have arrived that the app has not consumed. Only on the app's thread, and only a hint.</summary>
    bool HasUnconsumed { get; }

    /// <summary>Whether bytes that the app has written are not sent yet: the client reads slowly, and the connection is not idle.</summary>
    bool HasUnsent { get; }

    /// <summary>Whether its client has left and the app was told, but has not disposed the connection.</summary>
    bool HasLeft { get; }

    /// <summary>
    /// Ends the connection as if the client had closed its half, if it is between two requests, everything is sent and nothing
    /// has arrived. This is checked at the last moment, so that a request that came just now is answered. False: nothing was ended.
    /// </summary>
    /// <param name="quietSince">The <see cref="ConnectionActivity.QuietSince"/> it was chosen for; if that has changed, it is not idle.</param>
    bool TryEndIdle(long quietSince);

    /// <summary>A read that waits for bytes of this client gets the end of the stream instead.</summary>
    void EndReading();

    /// <summary>Ends the connection at once, because GracefulTimeout is over; what was sent so far still reaches the client, followed by the end of the stream.</summary>
    void CutOff();
}
