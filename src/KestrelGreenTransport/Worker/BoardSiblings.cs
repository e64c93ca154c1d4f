using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Supervision;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// The siblings, as the board shows them; read once a tick at most.
///
/// A sibling whose record is older than two intervals is left out: its process is frozen or gone. So is one that the supervisor
/// has reported dead, until another process writes in its place.
/// </summary>
internal sealed class BoardSiblings(WorkerContract contract, TransportState transport, RequestFigures requests, TimeProvider time, WorkerLife? life = null)
    : ISiblings, ILifelineHandler, IDisposable
{
    private const int MissedIntervals = 2;

    // The first read covers this many records; a larger board is read in one go from the second time on.
    private const int IndexesAtFirst = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, int> _dead = [];
    private readonly Dictionary<int, WorkerPace> _paces = [];
    private readonly WorkerPace _own = new();
    private SlowStart _slowStart = new(TimeSpan.Zero);
    private long? _servingSince;
    private long _ballast;
    private SafeFileHandle? _file;
    private BoardFileReader? _board;
    private SiblingFigures _figures;
    private int _highest = IndexesAtFirst;
    private long _lookedAt = long.MinValue;

    public event Action? Died;

    public bool MayExist => contract.BoardFile is not null;

    public long Held
    {
        get
        {
            long held = 0;
            foreach (var pool in transport.Pools)
            {
                held += pool.Held;
            }

            return held + Volatile.Read(ref _ballast);
        }
    }

    /// <summary>How many connections this worker counts as held in addition to its real ones, as of now. From any thread.</summary>
    public long Ballast
    {
        get
        {
            if (Volatile.Read(ref _ballast) != 0)
            {
                Look();
            }

            return Volatile.Read(ref _ballast);
        }
    }

    public void StartSlowly(TimeSpan longest)
    {
        lock (_lock)
        {
            // With several hosts, the first one decides.
            _slowStart = _servingSince is null ? new SlowStart(longest) : _slowStart;
        }
    }

    public SiblingFigures Look()
    {
        lock (_lock)
        {
            var now = time.Nanoseconds();
            if (_lookedAt == long.MinValue || now - _lookedAt >= BoardFile.Tick.ToNanoseconds())
            {
                _lookedAt = now;
                _figures = Read(now);
                Volatile.Write(ref _ballast, BallastNow(now));
            }

            return _figures;
        }
    }

    public void OnAccepted() => requests.Activity?.Touch();

    public void Receive(LifelineMessage message, Lifeline lifeline)
    {
        if (message.Type == LifelineTypes.Warm)
        {
            Look();
        }
        else if (message is { Type: LifelineTypes.SiblingDied, Index: { } index })
        {
            OnDied(index);
        }
    }

    /// <summary>The supervisor has collected a sibling's exit.</summary>
    public void OnDied(int index)
    {
        lock (_lock)
        {
            if (_board is not null && _board.Refresh(_highest).Ok && _board.TryGet(index, out var record))
            {
                _dead[index] = record.Pid;
            }

            _lookedAt = long.MinValue;
        }

        Died?.Invoke();
    }

    public void Dispose() => _file?.Dispose();

    private long BallastNow(long now)
    {
        if (_slowStart.IsOver || life?.State != WorkerState.Serving)
        {
            return 0;
        }

        // A worker that has been serving alone is not new.
        _servingSince ??= now;
        _own.Add(new BoardRecord { WrittenAt = now, CpuNanoseconds = Environment.CpuUsage.TotalTime.ToNanoseconds(), Requests = requests.Requests });
        var (sum, known) = (0.0, 0);
        foreach (var pace in _paces.Values)
        {
            if (pace.CpuPerRequest is { } cost)
            {
                sum += cost;
                known++;
            }
        }

        var share = _slowStart.Share(TimeSpan.FromTicks((now - _servingSince.Value) / TimeSpan.NanosecondsPerTick), _own.CpuPerRequest, known == 0 ? null : sum / known);
        return SlowStart.Ballast(share, _figures);
    }

    private WorkerPace PaceOf(int index) => _paces.TryGetValue(index, out var pace) ? pace : _paces[index] = new WorkerPace(knowsLife: true);

    private SiblingFigures Read(long now)
    {
        if (_board is null)
        {
            if (!RecordFile.OpenForReading(contract.BoardFile!, out _file).Ok)
            {
                return default;
            }

            _board = new BoardFileReader(_file!);
        }

        if (_board.Refresh(_highest) is not { Ok: true } read)
        {
            return default;
        }

        if (read.Value >= (_highest + 1) * BoardRecord.Size)
        {
            _highest *= 2;
        }

        var (count, connections, fewest) = (0, 0L, long.MaxValue);
        var oldest = now - (MissedIntervals * contract.HeartbeatInterval.ToNanoseconds());
        for (var index = 1; index * BoardRecord.Size < read.Value; index++)
        {
            if (index != contract.Index
                && _board.TryGet(index, out var record)
                && record.State == WorkerState.Serving
                && record.WrittenAt >= oldest

                // A record from the future, in a damaged board, would count for ever. A small difference is normal: records are written during the read.
                && record.WrittenAt <= now + contract.HeartbeatInterval.ToNanoseconds()
                && !(_dead.TryGetValue(index, out var pid) && pid == record.Pid))
            {
                count++;
                connections += record.Connections + record.Ballast;
                fewest = Math.Min(fewest, record.Connections + record.Ballast);
                if (!_slowStart.IsOver)
                {
                    PaceOf(index).Add(record);
                }
            }
        }

        return count == 0 ? default : new SiblingFigures(count, connections, fewest);
    }
}
