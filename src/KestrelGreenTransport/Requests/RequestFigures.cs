using System.Numerics;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Requests;

/// <summary>
/// Requests ever, requests in flight, and the start of the oldest one in flight.
///
/// A request is counted in once and out once. Counters are striped by processor, a pair of cache lines each, because every
/// request of the process comes here twice. While a request is in flight, its start is kept in a slot of its own; if no
/// slot is found, the request is still counted, but its age is not known. Slots fill oldest first, so the requests without
/// one are the younger ones.
///
/// A request is referenced but not kept alive: if nothing will ever continue its handler and its client has left, it is
/// collected with its connection, and then counted out here.
/// </summary>
internal sealed class RequestFigures
{
    /// <summary>What <see cref="Begin"/> returns for a request whose age is not tracked.</summary>
    public const int Untracked = -1;

    /// <summary>Replaces the start of a request that is being counted out because it was collected.</summary>
    private const long Collected = -1;

    private const int MaxStripes = 16;
    private const int SlotsInAll = 1024;

    // A longer search would cost more than knowing one more request's age is worth.
    private const int SlotsTried = 16;

    private readonly TimeProvider _time;
    private readonly bool _keepsRequests;
    private readonly CountStripe[] _stripes;
    private readonly long[] _starts = new long[SlotsInAll];
    private readonly Kept[] _requests;

    /// <param name="time">The clock.</param>
    /// <param name="keepsRequests">Whether requests in flight are referenced, so that they can be named.</param>
    public RequestFigures(TimeProvider time, bool keepsRequests = false)
    {
        _time = time;
        _keepsRequests = keepsRequests;
        _requests = new Kept[keepsRequests ? SlotsInAll : 0];
        for (var i = 0; i < _requests.Length; i++)
        {
            _requests[i].Request = new WeakReference<IHttpRequestFeature>(null!);
        }

        _stripes = new CountStripe[Math.Min(MaxStripes, (int)BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount))];
    }

    /// <summary>Touched after each change; null if there is no beat thread to wake.</summary>
    public BoardActivity? Activity { get; init; }

    public long Requests
    {
        get
        {
            long started = 0;
            for (var i = 0; i < _stripes.Length; i++)
            {
                started += Volatile.Read(ref _stripes[i].Started);
            }

            return started;
        }
    }

    public long InFlight
    {
        get
        {
            // Read before the starts, so that the difference is never negative.
            long finished = 0;
            for (var i = 0; i < _stripes.Length; i++)
            {
                finished += Volatile.Read(ref _stripes[i].Finished);
            }

            return Requests - finished;
        }
    }

    /// <summary>Monotonic nanoseconds at which the oldest request in flight started; 0 if none is known.</summary>
    public long OldestStart
    {
        get
        {
            EndCollected();
            var oldest = long.MaxValue;
            for (var i = 0; i < _starts.Length; i++)
            {
                var start = Volatile.Read(ref _starts[i]);
                if (start > 0 && start < oldest)
                {
                    oldest = start;
                }
            }

            return oldest == long.MaxValue ? 0 : oldest;
        }
    }

    /// <summary>Counts a request in; pass the result to <see cref="End"/>.</summary>
    /// <param name="request">Names the request if it becomes slow; null if it need not be named.</param>
    public int Begin(IHttpRequestFeature? request = null)
    {
        var index = StripeIndex();
        ref var stripe = ref _stripes[index];
        Interlocked.Increment(ref stripe.Started);
        var slot = Claim(index, ref stripe, _time.Nanoseconds());
        if (_keepsRequests && request is not null && slot != Untracked)
        {
            _requests[slot].Request.SetTarget(request);
            Volatile.Write(ref _requests[slot].IsSet, true);
        }

        Activity?.Touch();
        return slot;
    }

    /// <summary>Counts a request out.</summary>
    public void End(int slot)
    {
        if (slot != Untracked)
        {
            if (_keepsRequests)
            {
                // Before the start: a request may be in its slot only while its start is.
                Volatile.Write(ref _requests[slot].IsSet, false);
                _requests[slot].Request.SetTarget(null!);
            }

            Volatile.Write(ref _starts[slot], 0);
        }

        Interlocked.Increment(ref _stripes[StripeIndex()].Finished);
        Activity?.Touch();
    }

    /// <summary>
    /// Names each request in flight that started before a moment. For any thread. The app may end a request at any time and reuse
    /// its objects for the next one, so what was read counts only if the slot still holds the same start afterwards.
    /// </summary>
    /// <param name="before">Monotonic nanoseconds.</param>
    public IEnumerable<Named> StartedBefore(long before)
    {
        for (var slot = 0; slot < _requests.Length; slot++)
        {
            var start = Volatile.Read(ref _starts[slot]);
            if (start > 0 && start <= before
                && _requests[slot].Request.TryGetTarget(out var request)
                && NameOf(request) is var (method, path)
                && IsStill(slot, start))
            {
                yield return new Named(slot, start, method, path);
            }
        }
    }

    private bool IsStill(int slot, long start)
    {
        // Without it, a processor that reads ahead (ARM64) may have read the start before the name, which may be a later request's.
        Volatile.ReadBarrier();
        return Volatile.Read(ref _starts[slot]) == start;
    }

    // A request to become a WebSocket is meant to last, so it must not be reported as slow.
    private static (string Method, string Path)? NameOf(IHttpRequestFeature request)
    {
        try
        {
            return request is IHttpUpgradeFeature { IsUpgradableRequest: true } or IHttpExtendedConnectFeature { IsExtendedConnect: true }
                ? null
                : (request.Method ?? "", request.Path ?? "");
        }
        catch (Exception)
        {
            // It was torn down while we read it, and is of no interest any more.
            return null;
        }
    }

    // Read in the reverse order of Begin and End: if the start is still the same at the end, it was one request all along.
    private void EndCollected()
    {
        for (var slot = 0; slot < _requests.Length; slot++)
        {
            var start = Volatile.Read(ref _starts[slot]);
            if (start > 0
                && Volatile.Read(ref _requests[slot].IsSet)
                && !_requests[slot].Request.TryGetTarget(out _)
                && Volatile.Read(ref _requests[slot].IsSet)
                && Interlocked.CompareExchange(ref _starts[slot], Collected, start) == start)
            {
                Volatile.Write(ref _requests[slot].IsSet, false);
                Volatile.Write(ref _starts[slot], 0);
                Interlocked.Increment(ref _stripes[StripeIndex()].Finished);
            }
        }
    }

    private int StripeIndex() => Thread.GetCurrentProcessorId() & (_stripes.Length - 1);

    // Each stripe claims slots in its own region, from where it last claimed: short requests stay on one cache line.
    private int Claim(int index, ref CountStripe stripe, long start)
    {
        var size = SlotsInAll / _stripes.Length;
        var region = index * size;
        var from = stripe.Next;
        for (var tried = 0; tried < SlotsTried; tried++)
        {
            var place = (from + tried) & (size - 1);
            ref var slot = ref _starts[region + place];
            if (Volatile.Read(ref slot) == 0 && Interlocked.CompareExchange(ref slot, start, 0) == 0)
            {
                // Not interlocked: only a hint.
                stripe.Next = place;
                return region + place;
            }
        }

        stripe.Next = (from + SlotsTried) & (size - 1);
        return Untracked;
    }

    /// <summary>A request in flight.</summary>
    /// <param name="Slot">Its slot; together with the start it identifies this request.</param>
    /// <param name="Start">Monotonic nanoseconds.</param>
    /// <param name="Method">Its method.</param>
    /// <param name="Path">Its path, without the query.</param>
    public readonly record struct Named(int Slot, long Start, string Method, string Path);

    // A struct, so that storing into the array needs no type check.
    private struct Kept
    {
        public WeakReference<IHttpRequestFeature> Request;
        public bool IsSet;
    }

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct CountStripe
    {
        [FieldOffset(0)]
        public long Started;

        [FieldOffset(8)]
        public long Finished;

        /// <summary>Where the search for a free slot begins.</summary>
        [FieldOffset(16)]
        public int Next;
    }
}
