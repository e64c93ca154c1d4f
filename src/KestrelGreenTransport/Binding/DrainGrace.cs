namespace KestrelGreenTransport.Binding;

/// <summary>
/// When a listening socket may be closed for good. Closing it makes the kernel reset the clients that wait there, with the
/// requests that they may have sent, so new clients are turned away before.
/// </summary>
internal static class DrainGrace
{
    /// <summary>How long to wait until the waiting clients get free slots.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    // What a client that was connecting at that moment may need to finish its handshake.
    private static readonly TimeSpan HandshakeTime = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether it may be closed now.</summary>
    /// <param name="elapsed">How long new clients have been turned away.</param>
    /// <param name="someoneWaits">Whether a client is in the kernel's queue.</param>
    /// <param name="lingers">Whether to wait for clients that are still connecting.</param>
    public static bool IsOver(TimeSpan elapsed, bool someoneWaits, bool lingers = true) =>
        elapsed >= (someoneWaits ? Limit : lingers ? HandshakeTime : TimeSpan.Zero);
}
