namespace KestrelGreenTransport;

/// <summary>Where the app runs, relative to the event loop that received the request.</summary>
public enum GreenTransportScheduling
{
    /// <summary>
    /// On the loop's own thread, without a hop. A guard watches: when a handler blocks, a spare thread takes over the loop, and
    /// if handlers block often, the loop is handed on before each of them.
    /// </summary>
    Adaptive,

    /// <summary>On the loop's own thread, unguarded: a handler that blocks holds up all connections of its loop.</summary>
    Inline,

    /// <summary>On .NET's thread pool, as with Kestrel's own transport.</summary>
    ThreadPool,
}
