using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.AccessLogging;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.WarmUp;

namespace KestrelGreenTransport.Worker;

/// <summary>A host of this process that has called <c>UseGreenTransport()</c>, as its worker sees it.</summary>
internal sealed class WorkerHost(AcceptGate gate, InMemoryListeners listeners)
{
    public AcceptGate Gate => gate;

    public InMemoryListeners InMemoryListeners => listeners;

    /// <summary>Its phase. Belongs to <see cref="WorkerHosts"/>.</summary>
    public HostPhase Phase { get; set; } = HostPhase.Expected;

    /// <summary>The parts of the host that the worker uses; null until the host is started.</summary>
    public HostParts? Parts { get; set; }
}

/// <summary>The parts of a host that its worker uses.</summary>
internal sealed record HostParts(HostStop Stop, OwnClient Client, AccessLog AccessLog, RequestDurations Durations);

internal enum HostPhase
{
    /// <summary>It has called <c>UseGreenTransport()</c>, and is not started yet.</summary>
    Expected,

    Starting,

    Started,

    Stopping,

    Gone,
}
