using System.Collections.Immutable;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Loop;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Parts;

/// <summary>Checks once a second what a request costs each worker, and how much its runtime compiles.</summary>
/// <param name="board">The board, to which the workers write these figures.</param>
internal sealed class WorkerHeat(SafeFileHandle board) : ISupervisorPart
{
    private const int EveryTicks = 10;

    private readonly BoardFileReader _board = new(board);
    private readonly Dictionary<int, WorkerPace> _paces = [];
    private volatile ImmutableDictionary<int, HeatStatus> _now = ImmutableDictionary<int, HeatStatus>.Empty;
    private int _ticks;

    /// <summary>By pid; readable from any thread.</summary>
    public ImmutableDictionary<int, HeatStatus> Now => _now;

    public void OnTick(SupervisorState state)
    {
        if (_ticks++ % EveryTicks != 0)
        {
            return;
        }

        var living = state.Workers.Values.Where(static worker => worker.Pid is not null).ToList();
        foreach (var gone in _paces.Keys.Except(living.Select(static worker => worker.Pid!.Value)).ToList())
        {
            _paces.Remove(gone);
        }

        _ = _board.Refresh(living.Count == 0 ? 0 : living[^1].Index);
        foreach (var worker in living)
        {
            if (_board.TryGet(worker.Index, out var record) && record.Pid == worker.Pid)
            {
                (_paces.TryGetValue(record.Pid, out var pace) ? pace : _paces[record.Pid] = new WorkerPace(knowsLife: true)).Add(record);
            }
        }

        var serving = living.Where(static worker => worker.Phase == WorkerPhase.Serving).Select(static worker => worker.Pid!.Value).ToHashSet();
        _now = _paces.ToImmutableDictionary(static pair => pair.Key, pair => new HeatStatus(
            pair.Value.MethodsPerSecond,
            pair.Value.CpuPerRequest,
            serving.Contains(pair.Key) ? WorkerPace.IsHot(pair.Value, _paces.Where(one => one.Key != pair.Key && serving.Contains(one.Key)).Select(static one => one.Value)) : null));
    }
}
