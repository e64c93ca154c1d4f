using System.Diagnostics.Metrics;
using System.Numerics;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Requests;

/// <summary>
/// Listens to ASP.NET Core's own <c>http.server.request.duration</c> of this host and sorts it into buckets. So the
/// supervisor's figures are those of any other tool, and an endpoint with DisableHttpMetrics stays out of them too.
///
/// Every request of the process comes by here: the counters are striped by processor, and nothing is allocated.
/// </summary>
internal sealed class RequestDurations : IDisposable
{
    private const string MeterName = "Microsoft.AspNetCore.Hosting";
    private const string InstrumentName = "http.server.request.duration";
    private const string StatusTag = "http.response.status_code";
    private const int MaxStripes = 8;

    private readonly Stripe[] _stripes;
    private readonly MeterListener _listener;

    /// <param name="factory">The host's meter factory: another host in this process has another one.</param>
    public RequestDurations(IMeterFactory factory)
    {
        _stripes = new Stripe[Math.Min(MaxStripes, (int)BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount))];
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

    /// <summary>All requests so far. Not one moment's picture: a request may be in one figure and not yet in another.</summary>
    public RequestStats Read()
    {
        var buckets = new long[RequestStats.UpperBounds.Length + 1];
        var (failed, nanoseconds) = (0L, 0L);
        foreach (ref var stripe in _stripes.AsSpan())
        {
            failed += Volatile.Read(ref stripe.Failed);
            nanoseconds += Volatile.Read(ref stripe.Nanoseconds);
            for (var i = 0; i < buckets.Length; i++)
            {
                buckets[i] += Volatile.Read(ref stripe.Buckets[i]);
            }
        }

        return new RequestStats(buckets.Sum(), failed, nanoseconds, ImmutableCollectionsMarshal.AsImmutableArray(buckets));
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
    private struct Stripe
    {
        public long[] Buckets;
        public long Failed;
        public long Nanoseconds;
    }
}
