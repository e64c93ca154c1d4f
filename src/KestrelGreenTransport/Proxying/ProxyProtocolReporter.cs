using System.Net;
using KestrelGreenTransport.Accepting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Proxying;

/// <summary>
/// Reports connections that were ended without a proper PROXY header from a trusted source. Any client can cause that, so
/// each is counted, but only one per <see cref="Interval"/> is logged, with the number of those in between.
/// </summary>
internal sealed class ProxyProtocolReporter(string endpoint, TransportMeter meter, ILogger logger, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly ILogger _logger = logger.Guarded();
    private readonly Lock _lock = new();
    private long? _toldAt;
    private int _untold;

    /// <param name="kind">For the meter: malformed, untrusted, timeout.</param>
    /// <param name="from">The client's address.</param>
    /// <param name="problem">For the log: what was wrong, and what to do.</param>
    public void Refused(string kind, EndPoint? from, string problem)
    {
        ForeignCode.Run(static told => told.meter.ProxyErrors.Add(1, new(TransportMeter.EndpointTag, told.endpoint), new("error.type", told.kind)), (meter, endpoint, kind));
        if (IsDue(out var untold))
        {
            Log.ProxyHeaderRefused(_logger, endpoint, from, problem, untold);
        }
    }

    private bool IsDue(out int untold)
    {
        lock (_lock)
        {
            untold = _untold;
            if (_toldAt is { } told && time.GetElapsedTime(told) < Interval)
            {
                _untold++;
                return false;
            }

            _toldAt = time.GetTimestamp();
            _untold = 0;
            return true;
        }
    }
}
