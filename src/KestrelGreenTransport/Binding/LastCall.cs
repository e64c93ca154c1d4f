namespace KestrelGreenTransport.Binding;

/// <summary>
/// When a listening socket that goes for good may be closed, by which the kernel resets those who wait there, with the
/// requests that they may have sent. New clients are turned away before.
/// </summary>
internal static class LastCall
{
    /// <summary>How long to wait for free slots for those who wait.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    // What a client that was connecting then may need for the rest of it.
    private static readonly TimeSpan HandshakeTime = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether it may be closed now.</summary>
    /// <param name="elapsed">How long new clients have been turned away.</param>
    /// <param name="someoneWaits">Whether a client is in the kernel's queue.</param>
    /// <param name="lingers">Whether those that are connecting are waited for.</param>
    public static bool IsOver(TimeSpan elapsed, bool someoneWaits, bool lingers = true) =>
        elapsed >= (someoneWaits ? Limit : lingers ? HandshakeTime : TimeSpan.Zero);
}
