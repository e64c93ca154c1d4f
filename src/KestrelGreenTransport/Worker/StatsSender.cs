using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Supervision;

namespace KestrelGreenTransport.Worker;

/// <summary>Tells the supervisor what was answered, when there is something new. A full lifeline loses nothing: figures only grow.</summary>
internal sealed class StatsSender(RequestDurations durations, Lifeline lifeline) : IDisposable
{
    private long _sent;

    /// <summary>Belongs to the beat thread.</summary>
    public void Turn()
    {
        var stats = durations.Read();
        if (stats.Count != _sent && lifeline.TrySend(LifelineMessage.Of(stats)))
        {
            _sent = stats.Count;
        }
    }

    public void Dispose() => durations.Dispose();
}
