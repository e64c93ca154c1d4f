using System.Collections.Immutable;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervision;

namespace KestrelGreenTransport.Worker;

// One process has one worker state, however many hosts run in it.
// It is ready once all hosts have started that have called UseGreenTransport() by then, and exits when the last one is told to stop.
// A host that its own code stops (StopAsync) does not end the worker: the process stays, and the next host may follow.

/// <summary>The hosts of this worker, at the same time or one after the other.</summary>
internal sealed class WorkerHosts(WorkerLife life) : ILifelineHandler
{
    /// <summary>A host that has not started this long after the last one that did is not waited for: some builders are never built.</summary>
    public static readonly TimeSpan ExpectedFor = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private ImmutableArray<WorkerHost> _all = [];
    private long _startedAt;

    /// <summary>The hosts that are not disposed.</summary>
    public ImmutableArray<WorkerHost> All => _all;

    /// <summary>What the worker needs of the hosts that were started and are not disposed.</summary>
    public IEnumerable<HostParts> Parts => _all.Select(static host => host.Parts).OfType<HostParts>();

    public void Receive(LifelineMessage message, Lifeline lifeline)
    {
        foreach (var host in message.Type == LifelineTypes.Reopen ? Parts : [])
        {
            host.AccessLog.Reopen();
        }
    }

    /// <summary>A host has called <c>UseGreenTransport()</c>.</summary>
    public WorkerHost Expect()
    {
        var (gate, listeners) = life.Join();
        var host = new WorkerHost(gate, listeners);
        lock (_lock)
        {
            _all = _all.Add(host);
        }

        return host;
    }

    public void Starting(WorkerHost host, HostParts parts)
    {
        lock (_lock)
        {
            host.Parts = parts;
            host.Phase = HostPhase.Starting;
        }
    }

    /// <summary>The host has started; true if that makes the worker ready.</summary>
    public bool Started(WorkerHost host, long now)
    {
        lock (_lock)
        {
            _startedAt = now;
            host.Phase = host.Phase == HostPhase.Starting ? HostPhase.Started : host.Phase;
            return IsReadyNeedsLock(HostPhase.Expected) && life.Start();
        }
    }

    /// <summary>Whether the worker becomes ready now, without the hosts that were never started.</summary>
    public bool GiveUpExpecting(long now)
    {
        lock (_lock)
        {
            return life.State == WorkerState.Booting
                && _startedAt != 0
                && now - _startedAt >= ExpectedFor.ToNanoseconds()
                && IsReadyNeedsLock(HostPhase.Starting)
                && life.Start();
        }
    }

    /// <summary>The host begins to stop; true if the worker exits with it.</summary>
    /// <param name="host">The host.</param>
    /// <param name="isTold">Whether a signal or the supervisor asked for it, which means the process.</param>
    /// <param name="byOwner">Whether the host's own code stops it and continues.</param>
    public bool Stopping(WorkerHost host, bool isTold, bool byOwner)
    {
        lock (_lock)
        {
            host.Phase = host.Phase == HostPhase.Gone ? HostPhase.Gone : HostPhase.Stopping;
            if (!isTold && (byOwner || _all.Any(static other => other.Phase < HostPhase.Stopping)))
            {
                return false;
            }
        }

        return life.Leave();
    }

    /// <summary>The host was disposed; true if the worker is ready without it.</summary>
    public bool Gone(WorkerHost host)
    {
        life.Part(host.Gate);
        lock (_lock)
        {
            host.Phase = HostPhase.Gone;
            _all = _all.Remove(host);
            return IsReadyNeedsLock(HostPhase.Expected) && life.Start();
        }
    }

    // At least one has started, and none is still starting.
    private bool IsReadyNeedsLock(HostPhase firstAwaited) =>
        _all.Any(static host => host.Phase == HostPhase.Started)
        && !_all.Any(host => host.Phase >= firstAwaited && host.Phase < HostPhase.Started);
}
