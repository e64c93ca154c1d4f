using System.Diagnostics.Metrics;
using System.Numerics;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Requests;

/// <summary>
/// Sorts the measurements of this host's <c>http.server.request.duration</c>, ASP.NET Core's own, into buckets. So the
/// supervisor's figures match those of any other tool, and leave out endpoints with DisableHttpMetrics too.
///
/// Runs for every request of the process: the counters are striped by processor, and nothing is allocated.
/// </summary>
internal sealed class RequestDurations : IDisposable
{
    private const string MeterName = "Microsoft.AspNetCore.Hosting";
    private const string InstrumentName = "http.server.request.duration";
    private const string StatusTag = "http.response.status_code";
    private const int MaxStripes = 8;

    private readonly DurationStripe[] _stripes;
    private readonly MeterListener _listener;

    /// <param name="factory">The host's meter factory: each host in this process has its own.</param>
    public RequestDurations(IMeterFactory factory)
    {
        _stripes = new DurationStripe[Math.Min(MaxStripes, (int)BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount))];
        for (var i = 0; i < _stripes.Length; i++)
        {
            _stripes[i].Buckets = new long[RequestStats.UpperBounds.Length + 1];
        }

        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == InstrumentName && instrument.Meter.Name == MeterName && ReferenceEquals(instrument.Meter.Scope, factory))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        _listener.SetMeasurementEventCallback<double>(Take);
        _listener.Start();
    }

    /// <summary>All requests so far. Not a consistent snapshot: a request may be in one figure and not yet in another.</summary>
    public RequestStats Read()
    {
        var buckets = new long[RequestStats.UpperBounds.Length + 1];
        var (count, failed, nanoseconds) = (0L, 0L, 0L);
        foreach (ref var stripe in _stripes.AsSpan())
        {
            failed += Volatile.Read(ref stripe.Failed);
            nanoseconds += Volatile.Read(ref stripe.Nanoseconds);
            for (var i = 0; i < buckets.Length; i++)
            {
                var bucket = Volatile.Read(ref stripe.Buckets[i]);
                buckets[i] += bucket;
                count += bucket;
            }
        }

        return new RequestStats(count, failed, nanoseconds, ImmutableCollectionsMarshal.AsImmutableArray(buckets));
    }

    public void Dispose() => _listener.Dispose();

    private void Take(Instrument instrument, double seconds, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        ref var stripe = ref _stripes[Thread.GetCurrentProcessorId() & (_stripes.Length - 1)];
        Interlocked.Increment(ref stripe.Buckets[RequestStats.BucketOf(seconds)]);
        Interlocked.Add(ref stripe.Nanoseconds, (long)(seconds * 1e9));
        foreach (var (name, value) in tags)
        {
            if (name == StatusTag)
            {
                if (value is >= 500)
                {
                    Interlocked.Increment(ref stripe.Failed);
                }

                return;
            }
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private struct DurationStripe
    {
        public long[] Buckets;
        public long Failed;
        public long Nanoseconds;
    }
}
