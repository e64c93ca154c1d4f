using System.Globalization;
using System.Runtime.CompilerServices;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Requests;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Requests;

public class RequestFiguresTests
{
    private static readonly Drain NoDrain = new(new AcceptGate(), Options.Create(new GreenTransportOptions()));

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_oldest_request_in_flight_is_known_by_its_start()
    {
        var figures = new RequestFigures(_time);
        Assert.Equal(0, figures.OldestStart);
        var first = figures.Begin();
        var firstStart = _time.Nanoseconds();
        _time.Advance(TimeSpan.FromSeconds(1));
        var second = figures.Begin();
        var secondStart = _time.Nanoseconds();

        Assert.Equal(firstStart, figures.OldestStart);
        figures.End(first);
        Assert.Equal(secondStart, figures.OldestStart);
        figures.End(second);
        Assert.Equal(0, figures.OldestStart);
        Assert.Equal((2, 0), (figures.Requests, figures.InFlight));
    }

    [Fact]
    public void More_requests_than_slots_are_counted_all_the_same_and_the_oldest_is_still_known()
    {
        var figures = new RequestFigures(_time);
        var oldest = _time.Nanoseconds();
        var slots = new List<int>();
        for (var i = 0; i < 5_000; i++)
        {
            slots.Add(figures.Begin());
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Contains(RequestFigures.Untracked, slots);
        Assert.Equal((5_000, 5_000, oldest), (figures.Requests, figures.InFlight, figures.OldestStart));
        Assert.Distinct(slots.Where(slot => slot != RequestFigures.Untracked));
        slots.ForEach(figures.End);
        Assert.Equal((5_000, 0, 0), (figures.Requests, figures.InFlight, figures.OldestStart));
        Assert.NotEqual(RequestFigures.Untracked, figures.Begin());
    }

    [Fact]
    public async Task Concurrent_requests_are_counted_exactly_and_never_show_as_negative()
    {
        const int Threads = 8;
        const int Each = 20_000;
        var figures = new RequestFigures(TimeProvider.System);
        var running = Enumerable.Range(0, Threads)
            .Select(_ => Task.Factory.StartNew(
                () =>
                {
                    for (var i = 0; i < Each; i++)
                    {
                        figures.End(figures.Begin());
                    }
                },
                TaskCreationOptions.LongRunning))
            .ToArray();
        while (!Array.TrueForAll(running, task => task.IsCompleted))
        {
            Assert.True(figures.InFlight >= 0);
            await Task.Yield();
        }

        await Task.WhenAll(running);
        Assert.Equal((Threads * Each, 0, 0), (figures.Requests, figures.InFlight, figures.OldestStart));
    }

    [Fact]
    public void A_request_that_was_collected_with_its_connection_is_counted_out()
    {
        var figures = new RequestFigures(_time, keepsRequests: true);
        var kept = new HttpRequestFeature();
        figures.Begin(kept);
        var start = figures.OldestStart;
        BeginAndForget(figures);
        Assert.Equal(2, figures.InFlight);
        GC.Collect();
        Assert.Equal(start, figures.OldestStart);
        Assert.Equal(1, figures.InFlight);

        // Its slot can be used again.
        figures.End(figures.Begin(kept));
        Assert.Equal((3, 1, start), (figures.Requests, figures.InFlight, figures.OldestStart));
        GC.KeepAlive(kept);
    }

    [Fact]
    public async Task No_request_is_named_by_the_path_of_the_next_one_on_its_connection()
    {
        const int Requests = 300_000;
        var clock = new CountingClock();
        var figures = new RequestFigures(clock, keepsRequests: true);

        // As in Kestrel: one object for all requests of a connection, with the path of the current request.
        var request = new HttpRequestFeature();
        var serving = Task.Factory.StartNew(
            () =>
            {
                for (var i = 1; i <= Requests; i++)
                {
                    clock.Now = i;
                    request.Path = i.ToString(CultureInfo.InvariantCulture);
                    figures.End(figures.Begin(request));
                    request.Path = "";
                }
            },
            TaskCreationOptions.LongRunning);
        while (!serving.IsCompleted)
        {
            foreach (var named in figures.StartedBefore(long.MaxValue))
            {
                Assert.Equal(named.Start.ToString(CultureInfo.InvariantCulture), named.Path);
            }
        }

        await serving;
    }

    [Fact]
    public void A_request_that_completes_synchronously_costs_no_allocation()
    {
        var figures = new RequestFigures(TimeProvider.System) { Activity = new BoardActivity(static () => { }) };
        var tracker = new RequestTracker(static _ => Task.CompletedTask, NoDrain, figures);
        var context = new DefaultHttpContext();
        tracker.InvokeAsync(context);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
        {
            tracker.InvokeAsync(context);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal((1_001, 0), (figures.Requests, figures.InFlight));
    }

    [Fact]
    public async Task A_request_is_in_flight_until_its_task_ends_however_it_ends()
    {
        var figures = new RequestFigures(TimeProvider.System);
        var ends = new TaskCompletionSource();
        var handled = new RequestTracker(_ => ends.Task, NoDrain, figures).InvokeAsync(new DefaultHttpContext());
        Assert.Equal(1, figures.InFlight);
        ends.SetException(new InvalidOperationException("as asked"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => handled);
        Assert.Equal(0, figures.InFlight);

        var throws = new RequestTracker(static _ => throw new InvalidOperationException("as asked"), NoDrain, figures);
        await Assert.ThrowsAsync<InvalidOperationException>(() => throws.InvokeAsync(new DefaultHttpContext()));
        Assert.Equal((2, 0), (figures.Requests, figures.InFlight));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void BeginAndForget(RequestFigures figures) => figures.Begin(new HttpRequestFeature());

    /// <summary>A clock that shows the number of the request.</summary>
    private sealed class CountingClock : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => 1_000_000_000;

        public override long GetTimestamp() => Now;
    }
}
