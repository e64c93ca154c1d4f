using System.Runtime;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Requests;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// Keeps this worker's record on the board: looked at once a tick while something happens, written when something
/// changed, and at least every interval even if nothing did, so that a record that grows old tells of a frozen process.
/// All members belong to the beat thread.
/// </summary>
internal sealed class BoardPublisher(
    BoardFile file,
    BoardActivity activity,
    WorkerLife life,
    TransportState transport,
    RequestFigures requests,
    FullBeat beat,
    int pid,
    TimeSpan interval) : IDisposable
{
    /// <summary>After this long without a change the ticks end, until an activity or the next interval.</summary>
    public static readonly TimeSpan QuietAfter = TimeSpan.FromMilliseconds(100);

    private readonly long _interval = interval.ToNanoseconds();
    private BoardRecord _last;
    private long _dueAt;
    private long _busyUntil;

    /// <summary>How many connections to count as held in addition; see <see cref="BoardRecord.Ballast"/>.</summary>
    public Func<long> Ballast { get; init; } = static () => 0;

    /// <summary>Monotonic nanoseconds at which of the next update, unless something wakes the thread earlier.</summary>
    public long NextAt { get; private set; }

    public void Check() => file.Check();

    /// <summary>Brings the record up to date.</summary>
    public void Update(long now)
    {
        var mayRest = now >= _busyUntil;
        if (mayRest)
        {
            activity.FallAsleep();
        }

        if (WriteIfChanged(now))
        {
            _busyUntil = now + QuietAfter.ToNanoseconds();
            activity.WakeUp();
            mayRest = false;
        }

        NextAt = mayRest ? _dueAt : Math.Min(_dueAt, now + BoardFile.Tick.ToNanoseconds());
    }

    public void Dispose() => file.Dispose();

    // True when work was done since the last time, other than the beat's own: that alone is no reason to stay awake.
    private bool WriteIfChanged(long now)
    {
        var record = Collect() with { WrittenAt = _last.WrittenAt };

        // Collecting the record costs processor time too: a change of that alone is not activity.
        var before = _last with { CpuNanoseconds = record.CpuNanoseconds, CompiledMethods = record.CompiledMethods };
        var worked = record != before with { LoopPassAt = record.LoopPassAt, ThreadPoolPassAt = record.ThreadPoolPassAt };
        if (record != before || now >= _dueAt)
        {
            _last = record with { WrittenAt = now };
            _dueAt = now + _interval;
            file.Write(_last);
        }

        return worked;
    }

    private BoardRecord Collect()
    {
        long connections = 0, slots = 0, accepted = 0;
        foreach (var pool in transport.Pools)
        {
            connections += pool.Held;
            slots += pool.Slots;
            accepted += pool.Accepted;
        }

        var inFlight = requests.InFlight;
        return new BoardRecord
        {
            Pid = pid,
            State = life.State,
            Connections = connections,
            Slots = slots,
            Accepted = accepted,
            Requests = requests.Requests,
            RequestsInFlight = inFlight,
            OldestRequestAt = inFlight == 0 ? 0 : requests.OldestStart,
            LoopPassAt = beat.LoopPassAt,
            ThreadPoolPassAt = beat.ThreadPoolPassAt,
            CpuNanoseconds = Environment.CpuUsage.TotalTime.ToNanoseconds(),
            CompiledMethods = JitInfo.GetCompiledMethodCount(),
            Ballast = Ballast(),
        };
    }
}
