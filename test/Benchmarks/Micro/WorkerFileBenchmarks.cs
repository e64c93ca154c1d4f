using BenchmarkDotNet.Attributes;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace Benchmarks.Micro;

/// <summary>The cost of a beat, an entry on the board and a look at a beat, on the file system that holds them.</summary>
public class WorkerFileBenchmarks : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("green-micro-").FullName;
    private HeartbeatFile _heartbeat = null!;
    private BoardFile _board = null!;
    private SafeFileHandle _written = null!;
    private long _now;

    [GlobalSetup]
    public void Open()
    {
        var path = Path.Combine(_folder, "worker-1.beat");
        _heartbeat = new HeartbeatFile(path, Environment.ProcessId, index: 1, generation: 1, NullLogger.Instance);
        _heartbeat.Check();
        _board = new BoardFile(Path.Combine(_folder, "board"), index: 1, NullLogger.Instance);
        _board.Check();
        _heartbeat.Write(WorkerState.Serving, ++_now);
        RecordFile.OpenForReading(path, out var written);
        _written = written ?? throw new IOException($"cannot read {path}");
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _heartbeat.Dispose();
        _board.Dispose();
        _written.Dispose();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    [Benchmark(Description = "heartbeat: write")]
    public bool WriteBeat() => _heartbeat.Write(WorkerState.Serving, ++_now);

    [Benchmark(Description = "board: write")]
    public bool WriteBoard() => _board.Write(new BoardRecord { WrittenAt = ++_now, State = WorkerState.Serving });

    [Benchmark(Description = "heartbeat: read and check")]
    public bool ReadBeat() => HeartbeatFileReader.Read(_written).Outcome == HeartbeatOutcome.Beat;
}
