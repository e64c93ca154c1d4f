using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// Begins a full beat every interval, and at once when the worker's state has changed. When the beat is over, writes it to
/// the file, or reports it another way if the file cannot be written. No beat before a host has started. Only for the beat thread.
/// </summary>
internal sealed class HeartbeatWriter(FullBeat beat, HeartbeatFile? file, WorkerLife life, TimeSpan interval, Action<WorkerState, long>? unwritten = null) : IDisposable
{
    private readonly long _interval = interval.ToNanoseconds();
    private WorkerState _seen;

    /// <summary>Monotonic nanoseconds of the next update, unless the thread is woken before.</summary>
    public long NextAt { get; private set; } = long.MaxValue;

    /// <summary>Checks the file: opened as early as possible, so that problems with it show at boot.</summary>
    public void Check() => file?.Check();

    public void Update(long now)
    {
        if (!life.HasStarted)
        {
            return;
        }

        var state = life.State;
        if (now >= NextAt || state != _seen)
        {
            _seen = state;
            NextAt = now + _interval;
            beat.Begin();
        }

        if (beat.TryFinish(out var at))
        {
            // A full disk says nothing about the worker: its supervisor gets the beat another way.
            if (file is not null && !file.Write(life.State, at))
            {
                unwritten?.Invoke(life.State, at);
            }
        }
    }

    public void Dispose() => file?.Dispose();
}
