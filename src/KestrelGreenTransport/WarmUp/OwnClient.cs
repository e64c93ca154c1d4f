using KestrelGreenTransport.Accepting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.WarmUp;

/// <summary>
/// This process as a client of one of its hosts: its requests pass through the transport, Kestrel, all middleware and the app, over
/// a private listener. So it needs neither a free slot nor an open gate, and runs the code that the first client would otherwise wait for.
/// </summary>
internal sealed class OwnClient(
    InMemoryListeners listeners, Lazy<ITransportBackend> backend, IOptions<GreenTransportOptions> options, TransportMeter meter, ILoggerFactory loggers)
{
    /// <summary>Begins a warm-up of the host; null if no endpoint can be reached this way, or no longer.</summary>
    /// <param name="left">How long an answer may still take.</param>
    /// <param name="stop">Ends every wait.</param>
    public WarmUpTarget? Open(Func<TimeSpan> left, CancellationToken stop) => listeners.All() is { Count: > 0 } open
        ? new WarmUpTarget(new WarmUpConnector(backend.Value, options.Value, meter, loggers.CreateLogger(Log.Category)), open, left, stop)
        : null;
}
