using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// Begins a full beat every interval, and at once when the worker's state has moved on, and writes it down when it is
/// over, or tells it where the file does not take it. There is no beat before the host really runs. All members belong to the beat thread.
/// </summary>
internal sealed class Pulse(FullBeat beat, HeartbeatFile? file, WorkerLife life, TimeSpan interval, Action<WorkerState, long>? unwritten = null) : IDisposable
{
    private readonly long _interval = interval.ToNanoseconds();
    private WorkerState _seen;

    /// <summary>Monotonic nanoseconds at which to take the next turn, if nobody wakes the thread before.</summary>
    public long NextAt { get; private set; } = long.MaxValue;

    /// <summary>Looks after the file: opened as early as possible, so that trouble with it shows at boot.</summary>
    public void Check() => file?.Check();

    public void Turn(long now)
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
            // A disk that is full says nothing of the worker: its supervisor hears the beat another way.
            if (file is not null && !file.Write(life.State, at))
            {
                unwritten?.Invoke(life.State, at);
            }
        }
    }

    public void Dispose() => file?.Dispose();
}
