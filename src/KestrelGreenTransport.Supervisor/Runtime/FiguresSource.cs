using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Loop;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Builds the current figures, on any thread; the supervisor's thread itself never calls it.</summary>
internal sealed class FiguresSource(StatusBuilder status, SupervisorLoop loop, TimeProvider time)
{
    private readonly Lock _gate = new();

    public Figures Now()
    {
        // The builder can be used by one thread at a time.
        lock (_gate)
        {
            return new Figures
            {
                At = time.GetTimestamp() / (double)time.TimestampFrequency,
                Status = status.Build(loop.State),
                Requests = [.. loop.Requests.Read().Select(static pair => WorkerRequests.Of(pair.Key, pair.Value))],
            };
        }
    }
}
