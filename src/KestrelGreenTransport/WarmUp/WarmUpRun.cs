using System.Diagnostics.CodeAnalysis;
using System.Runtime;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervision;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.WarmUp;

// A warm-up ends when its time is over, whatever the app does: it has its own thread, and every wait has a limit.
// Only the first answer to a request decides whether the app works.

/// <summary>Warms every host of this worker when the supervisor says so, and reports the result.</summary>
/// <param name="clients">A client for each host that has started.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Logs the result.</param>
internal sealed class WarmUpRun(Func<IReadOnlyList<OwnClient>> clients, TimeProvider time, ILogger logger)
    : ILifelineHandler
{
    private const int FirstServerError = 500;

    private static readonly TimeSpan LongestOfOne = TimeSpan.FromMinutes(1);

    // Requests get at most half of the time. The rest is for the runtime, whose compiling thread may have to share the processor.
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private CancellationTokenSource? _current;

    public void Receive(LifelineMessage message, Lifeline lifeline)
    {
        if (message.Type == LifelineTypes.Warm)
        {
            Begin(message, lifeline);
        }
        else if (message.Type == LifelineTypes.Open)
        {
            Stop();
        }
    }

    private void Begin(LifelineMessage order, Lifeline lifeline)
    {
        var stop = new CancellationTokenSource();
        lock (_lock)
        {
            _current?.Cancel();
            _current = stop;
        }

        var thread = new Thread(() => Run(order, lifeline, stop)) { IsBackground = true, Name = "green-warm-up" };
        thread.Start();
    }

    /// <summary>Ends a running warm-up, because clients wait. From any thread, and quick.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _current?.Cancel();
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Any failure is reported, and the supervisor decides what it means.")]
    private void Run(LifelineMessage order, Lifeline lifeline, CancellationTokenSource stop)
    {
        (string? Problem, bool TimedOut) outcome;
        try
        {
            outcome = Warm(order, stop.Token);
        }
        catch (Exception e)
        {
            outcome = ($"the warm-up failed: {e.Message}", false);
        }

        lock (_lock)
        {
            // A warm-up that was cut short says nothing about the app.
            outcome = stop.IsCancellationRequested ? default : outcome;
            _current = _current == stop ? null : _current;
            stop.Dispose();
        }

        lifeline.SendWarmed(outcome.Problem, outcome.TimedOut);
    }

    private (string? Problem, bool TimedOut) Warm(LifelineMessage order, CancellationToken stop)
    {
        var start = time.GetTimestamp();
        var limit = order.TimeMs is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : LongestOfOne;
        WarmUpRequest[] requests = order.WarmUp ?? [new WarmUpRequest("GET", order.Path ?? "/")];
        var targets = new List<WarmUpTarget>();
        try
        {
            targets.AddRange(clients().Select(client => client.Open(Left, stop)).OfType<WarmUpTarget>());
            if (First(targets, requests, limit) is (not null, _) outcome)
            {
                return outcome;
            }

            // Not earlier: the first answers decide whether the app works, and should not wait for a processor.
            using var low = order.TimeMs is not null && OperatingSystem.IsLinux() ? LowPriority.Begin() : null;
            var (answered, isHot) = order.TimeMs is null ? (0, false) : Repeat(targets, limit, start, stop);
            WorkerLog.Warmed(logger, requests.Length, answered + requests.Length, time.GetElapsedTime(start).TotalSeconds, JitInfo.GetCompiledMethodCount(), isHot);
            return default;
        }
        finally
        {
            targets.ForEach(static target => target.Dispose());
        }

        TimeSpan Left() => limit - time.GetElapsedTime(start);
    }

    private static (string? Problem, bool TimedOut) First(List<WarmUpTarget> targets, WarmUpRequest[] requests, TimeSpan limit)
    {
        foreach (var request in requests)
        {
            int? worst = null;
            try
            {
                foreach (var target in targets)
                {
                    var status = target.First(request);
                    worst = worst > status ? worst : status ?? worst;
                }
            }
            catch (TimeoutException)
            {
                return ($"{request} was not answered within {Duration.Format(limit)} (WarmUpTime)", true);
            }

            if (request.Route is not null)
            {
                continue;
            }

            if (worst is null)
            {
                return ($"no endpoint answered {request}", false);
            }

            if (worst >= FirstServerError)
            {
                return ($"{request} was answered with {worst}", false);
            }
        }

        return default;
    }

    private (int Answered, bool IsHot) Repeat(List<WarmUpTarget> targets, TimeSpan limit, long start, CancellationToken stop)
    {
        var gauge = new HeatGauge(HeatGauge.DelayOf(Environment.ProcessorCount, Environment.GetEnvironmentVariable));
        var answered = 0;
        while (!stop.IsCancellationRequested && time.GetElapsedTime(start) < limit)
        {
            var began = time.GetTimestamp();
            var before = answered;
            targets.ForEach(target => answered += target.Round());
            if (gauge.Add(time.GetElapsedTime(start), JitInfo.GetCompiledMethodCount()))
            {
                return (answered, true);
            }

            if (answered == before)
            {
                // No request is answered any more.
                break;
            }

            var took = time.GetElapsedTime(began);
            stop.WaitHandle.WaitOne(took < ShortestRest ? ShortestRest : took > LongestRest ? LongestRest : took);
        }

        return (answered, false);
    }
}
