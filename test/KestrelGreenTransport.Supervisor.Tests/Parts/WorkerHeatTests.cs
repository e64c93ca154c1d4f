using System.Collections.Immutable;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Parts;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Tests.Parts;

public sealed class WorkerHeatTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();
    private readonly SafeFileHandle _board;
    private readonly WorkerHeat _heat;

    public WorkerHeatTests()
    {
        _board = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite);
        _heat = new WorkerHeat(_board);
    }

    public void Dispose()
    {
        _board.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public void Each_worker_that_serves_is_compared_with_its_siblings()
    {
        Look(second: 1);
        Look(second: 2);
        Assert.Equal(new HeatStatus(0, 20_000, true), _heat.Now[1001]);
        Assert.Equal(new HeatStatus(400, 100_000, false), _heat.Now[1002]);

        // A worker behind its gate: only what it compiles is known.
        Assert.Equal(new HeatStatus(800, null, null), _heat.Now[1003]);
        Assert.Equal(3, _heat.Now.Count);
    }

    [Fact]
    public void A_process_that_is_gone_is_forgotten()
    {
        Look(second: 1);
        Pass(State() with { Workers = State().Workers.Remove(2) });
        Assert.Equal([1001, 1003], _heat.Now.Keys.Order());
    }

    private static SupervisorState State()
    {
        var settings = new ArbiterSettings();
        WorkerHandle[] workers = [Worker(1, WorkerPhase.Serving), Worker(2, WorkerPhase.Serving), Worker(3, WorkerPhase.Warming), Worker(4, WorkerPhase.Serving)];
        return new SupervisorState { Settings = settings, Target = 4, Workers = workers.ToImmutableSortedDictionary(static worker => worker.Index, static worker => worker) };

        // The fourth worker has not written a record yet.
        WorkerHandle Worker(int index, WorkerPhase phase) => new() { Index = index, Generation = 1, Settings = settings, Phase = phase, Pid = 1000 + index };
    }

    private void Look(int second)
    {
        Write(1, second, requests: 1000, cpuOfEach: 20_000, methods: 0);
        Write(2, second, requests: 1000, cpuOfEach: 100_000, methods: 400);
        Write(3, second, requests: 0, cpuOfEach: 0, methods: 800);
        Pass(State());
    }

    private void Pass(SupervisorState state)
    {
        for (var ticks = 0; ticks < 10; ticks++)
        {
            _heat.OnTick(state);
        }
    }

    private void Write(int index, int second, long requests, long cpuOfEach, long methods)
    {
        var bytes = new byte[BoardRecord.Size];
        new BoardRecord
        {
            WrittenAt = second * 1_000_000_000L,
            Pid = 1000 + index,
            State = WorkerState.Serving,
            Requests = second * requests,
            CpuNanoseconds = second * requests * cpuOfEach,
            CompiledMethods = second * methods,
        }.Write(bytes);
        RandomAccess.Write(_board, bytes, index * BoardRecord.Size);
    }
}
