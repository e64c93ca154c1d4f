namespace KestrelGreenTransport.Accepting;

/// <summary>A connection that a backend serves, as those see it who end connections: the drain, the reclaim of idle ones.</summary>
internal interface IServedConnection
{
    string ConnectionId { get; }

    ConnectionActivity Activity { get; }

    /// <summary>Whose slot it holds.</summary>
    ConnectionPool Pool { get; }

    /// <summary>Whether something that the app has not consumed has come already. For the app's thread, and only as a hint.</summary>
    bool HasUnconsumed { get; }

    /// <summary>Whether the client has yet to be sent what the app is done with: it reads slowly, and is not idle.</summary>
    bool HasUnsent { get; }

    /// <summary>Whether its client has left, the app was told, and is not done with it.</summary>
    bool HasLeft { get; }

    /// <summary>
    /// Ends the connection as if the client had closed its half, if it is between two requests, everything is sent and nothing has arrived:
    /// which is looked at in the last moment, so that a request that came just now is answered. False: nothing was ended.
    /// </summary>
    /// <param name="quietSince">The <see cref="ConnectionActivity.QuietSince"/> that it was chosen for; with a later one it is not idle.</param>
    bool TryEndIdle(long quietSince);

    /// <summary>Whoever waits for bytes of this client gets its end of stream instead.</summary>
    void EndReading();

    /// <summary>Ends the connection at once; what was sent so far still reaches the client, and then the end of the stream.</summary>
    void CutOff();
}
