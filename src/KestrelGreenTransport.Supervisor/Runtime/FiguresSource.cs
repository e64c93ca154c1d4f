using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Loop;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Pictures of now, for whoever asks from whatever thread; the supervisor's thread itself never asks.</summary>
internal sealed class FiguresSource(StatusBuilder status, SupervisorLoop loop, TimeProvider time)
{
    private readonly Lock _gate = new();

    public Figures Now()
    {
        // The builder belongs to one thread at a time.
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
