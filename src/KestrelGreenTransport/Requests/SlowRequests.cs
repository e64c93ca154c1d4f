using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervision;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Requests;

/// <summary>
/// Reports each request that has been in flight for longer than GREEN_REQUEST_TIMEOUT, once: to the supervisor, which
/// decides what to do, or to the log if there is no supervisor. Only for the beat thread: neither a starved thread pool nor a blocked
/// event loop keeps it from reporting.
/// </summary>
internal sealed class SlowRequests(RequestFigures requests, TimeSpan limit, Lifeline? lifeline, ILogger logger)
{
    // A worker in which everything hangs must not fill the log: the remaining requests are reported by the next checks.
    private const int ReportsInARow = 16;

    // In characters: enough to recognise the path.
    private const int LongestPath = 1024;

    private readonly long _limit = limit.ToNanoseconds();
    private readonly long _interval = Math.Clamp(limit.ToNanoseconds() / 4, BoardFile.Tick.ToNanoseconds(), TimeSpan.FromSeconds(1).ToNanoseconds());
    private readonly Dictionary<int, long> _reported = [];

    /// <summary>Monotonic nanoseconds of the next check.</summary>
    public long NextAt { get; private set; }

    public void ReportOverdue(long now)
    {
        if (now < NextAt)
        {
            return;
        }

        NextAt = now + _interval;
        var left = ReportsInARow;
        foreach (var slow in requests.StartedBefore(now - _limit))
        {
            if (_reported.GetValueOrDefault(slow.Slot) == slow.Start)
            {
                continue;
            }

            if (left-- == 0 || !Report(slow, now))
            {
                return;
            }

            _reported[slow.Slot] = slow.Start;
        }
    }

    private bool Report(RequestFigures.Named slow, long now)
    {
        var age = (now - slow.Start) / 1_000_000;
        var path = ShownPath.Of(slow.Path, LongestPath);
        if (lifeline is null)
        {
            WorkerLog.SlowRequest(logger, slow.Method, path, age);
            return true;
        }

        return lifeline.TrySend(new LifelineMessage { Type = LifelineTypes.SlowRequest, Method = slow.Method, Path = path, AgeMs = age });
    }
}
