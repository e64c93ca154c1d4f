using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Parts;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Puts the status document together from the arbiter's state, the board and /proc. Belongs to one thread.</summary>
internal sealed class StatusBuilder(
    LaunchPlan plan, ListenerSet listeners, SafeFileHandle board, TimeProvider time, Func<bool> isUpgrading, WorkerHeat heat)
{
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly BoardFileReader _board = new(board);

    public StatusDocument Build(SupervisorState state)
    {
        var now = time.GetTimestamp();
        var utc = time.GetUtcNow();
        _ = _board.Refresh(state.Workers.IsEmpty ? 0 : state.Workers.Keys.Max());
        return new StatusDocument
        {
            Name = plan.Name,
            Version = SupervisorVersion.Text,
            SupervisorPid = Environment.ProcessId,
            State = state.Stop is null && isUpgrading() ? SupervisorPhase.Upgrading : state.Phase,
            Generation = state.Generation,
            StartedAt = _startedAt,
            WorkersTarget = state.Target,
            Verdicts = new VerdictsStatus(
                state.Verdicts.FrozenProcess, state.Verdicts.ThreadPoolStarvation, state.Verdicts.BlockedLoop, state.Verdicts.HungRequest, state.Verdicts.NoHeartbeat),
            Listeners = [.. listeners.All.Select(one => new ListenerStatus(one.Endpoint.ToString(), one.Backlog, one.Queued()))],
            Workers = [.. state.Workers.Values.Select(worker => Describe(worker, state.Leader, now, utc))],
        };
    }

    private WorkerStatus Describe(WorkerHandle worker, Leader? leader, long now, DateTimeOffset utc)
    {
        var figures = worker.Pid is { } pid && _board.TryGet(worker.Index, out var record) && record.Pid == pid ? record : default;
        var warmth = worker.Pid is { } process ? heat.Now.GetValueOrDefault(process) : null;
        return new WorkerStatus
        {
            Index = worker.Index,
            Pid = worker.Pid,
            Generation = worker.Generation,
            State = worker.Phase,
            UptimeSeconds = worker.Pid is null ? null : Seconds(now - worker.SpawnedAt),
            HeartbeatAgeSeconds = worker.Pid is not null && worker.LastBeatAt is { } beat ? Seconds(now - beat) : null,
            Connections = figures.Connections,
            ConnectionsLimit = figures.Slots,
            RequestsInFlight = figures.RequestsInFlight,
            RequestsTotal = figures.Requests,
            AcceptedTotal = figures.Accepted,
            Restarts = worker.Restarts,
            RssBytes = worker.Pid is { } living ? ProcFs.RssBytesOf(living) : 0,
            CpuSeconds = worker.Pid is { } running ? ProcFs.CpuSecondsOf(running) : 0,
            WarmUp = worker is { Phase: WorkerPhase.Warming, WarmingSince: { } since, Settings.WarmUp: { } plan }
                ? Math.Round(Math.Clamp((now - since) / 1e9 / plan.Time.TotalSeconds, 0, 1), 2) : null,
            CompiledMethods = figures.CompiledMethods,
            CompiledMethodsPerSecond = warmth?.MethodsPerSecond is { } methods ? Math.Round(methods, 1) : null,
            CpuMicrosecondsPerRequest = warmth?.CpuPerRequest is { } cost ? Math.Round(cost / 1000, 1) : null,
            Hot = warmth?.IsHot,
            Leader = worker.Pid is not null && leader?.Pid == worker.Pid,
            Verdict = worker.Verdict is { } verdict ? NoticeReporter.Name(verdict) : null,
            LastExit = worker.LastExit is { } exit ? LastExitStatus.Of(exit, now, utc) : null,
        };
    }

    private static double Seconds(long nanoseconds) => Math.Round(Math.Max(0, nanoseconds) / 1e9, 3);
}
