using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>What happened. Facts only: the arbiter decides what they mean.</summary>
internal abstract record SupervisorEvent;

/// <summary>The listeners are bound and the supervisor's thread runs: launch the first workers.</summary>
internal sealed record Started : SupervisorEvent;

/// <summary>Time went by. Comes at least every <see cref="ArbiterSettings.TickInterval"/> while the supervisor is not stopped.</summary>
internal sealed record Tick : SupervisorEvent;

internal sealed record WorkerSpawned(int Index, int Pid) : SupervisorEvent;

/// <summary>The process could not be made (fork limit, file gone).</summary>
internal sealed record WorkerSpawnFailed(int Index, string Error) : SupervisorEvent;

/// <summary>The worker speaks the contract: it uses the transport.</summary>
internal sealed record WorkerSaidHello(int Index) : SupervisorEvent;

/// <summary>The worker's host has started: it is bound, behind a closed gate.</summary>
internal sealed record WorkerReady(int Index) : SupervisorEvent;

/// <summary>The worker's warm-up is over, successful or not.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Problem">What was wrong with an answer, or null.</param>
/// <param name="TimedOut">Whether the problem was only that there was no answer in time.</param>
internal sealed record WorkerWarmed(int Index, string? Problem, bool TimedOut = false) : SupervisorEvent;

/// <summary>What a worker has done and uses; told where that may be a reason to replace it.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Requests">Requests so far.</param>
/// <param name="RssBytes">Resident memory.</param>
internal sealed record WorkerMeasured(int Index, long Requests, long RssBytes) : SupervisorEvent;

/// <summary>The worker said why it cannot start, with the exit code that this means for the supervisor.</summary>
internal sealed record WorkerFailedToStart(int Index, int ExitCode, string Message) : SupervisorEvent;

/// <summary>A booting worker that has not said hello listens on a socket of its own. Comes again while it does.</summary>
internal sealed record WorkerListensByItself(int Index, string Endpoint) : SupervisorEvent;

/// <summary>A new full beat stands in the worker's heartbeat file.</summary>
/// <param name="Index">The worker.</param>
/// <param name="BeatAt">Monotonic nanoseconds of the beat, from the file.</param>
/// <param name="State">What the worker says of itself.</param>
internal sealed record WorkerBeat(int Index, long BeatAt, WorkerState State) : SupervisorEvent;

/// <summary>The abort for its stacks is pointless or done: the process is stopped, or its report is written.</summary>
internal sealed record WorkerAbortFinished(int Index) : SupervisorEvent;

/// <summary>What the board and the kernel say of a worker whose beat becomes overdue.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Board">Its record; null when it has none.</param>
/// <param name="IsStopped">Whether the process is stopped or traced.</param>
internal sealed record WorkerExamined(int Index, BoardRecord? Board, bool IsStopped) : SupervisorEvent;

/// <summary>The worker is, or is about to be, paused on our behalf (a dump was asked for): no beat is due for this long.</summary>
internal sealed record WorkerExcused(int Index, TimeSpan Time) : SupervisorEvent;

/// <summary>A request has been in flight for longer than RequestTimeout. Comes once for a request.</summary>
internal sealed record WorkerRequestOverdue(int Index, SlowRequest Request) : SupervisorEvent;

/// <summary>The worker's last message: it exits because it ran out of memory.</summary>
internal sealed record WorkerSaidOutOfMemory(int Index) : SupervisorEvent;

/// <summary>The worker is not the leader, or no longer: its leader services have stopped.</summary>
internal sealed record WorkerResigned(int Index) : SupervisorEvent;

/// <summary>The process was reaped.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Status">How it ended.</param>
/// <param name="WasKilledForMemory">Whether the kernel killed one of our processes just then because memory had run out.</param>
internal sealed record WorkerExited(int Index, ExitStatus Status, bool WasKilledForMemory = false) : SupervisorEvent;

/// <summary>The supervisor before this one has given up the lead: none of its workers leads, and none will.</summary>
internal sealed record LeadGiven : SupervisorEvent;

internal sealed record StopRequested(StopKind Kind) : SupervisorEvent;

/// <summary>Set the number of serving workers.</summary>
internal sealed record ScaleRequested(int Workers) : SupervisorEvent;

/// <summary>One worker more or fewer (TTIN, TTOU).</summary>
internal sealed record ScaleByRequested(int Delta) : SupervisorEvent;

/// <summary>A new generation is wanted, of the app and the settings as they are now.</summary>
internal sealed record ReloadRequested : SupervisorEvent;

/// <summary>A generation can be started.</summary>
/// <param name="Generation">Which one.</param>
/// <param name="Settings">Its settings.</param>
/// <param name="Workers">How many workers are wanted, if the settings have changed that; otherwise null.</param>
internal sealed record Prepared(long Generation, ArbiterSettings Settings, int? Workers) : SupervisorEvent;

/// <summary>A generation cannot be started, or is no longer wanted.</summary>
internal sealed record PreparationFailed(long Generation, string Message) : SupervisorEvent;

/// <summary>Replace a worker by another of the same generation, or each of them in turn.</summary>
/// <param name="Index">Which one; null for all.</param>
internal sealed record RestartRequested(int? Index) : SupervisorEvent;

/// <summary>Ask one worker to leave now; another is started in its place at the same time.</summary>
/// <param name="Index">Which one.</param>
internal sealed record DrainRequested(int Index) : SupervisorEvent;

/// <summary>Ask every worker to leave, and keep the sockets (WINCH).</summary>
internal sealed record DrainAllRequested : SupervisorEvent;

/// <summary>Have a new supervisor take over from this one (USR2).</summary>
internal sealed record UpgradeRequested : SupervisorEvent;

/// <summary>The successor takes over now, or there is none.</summary>
/// <param name="Failure">Why there is none; null if it takes over.</param>
internal sealed record UpgradeEnded(string? Failure) : SupervisorEvent;

/// <summary>A client asks for this, and waits for <see cref="EndOperation"/>.</summary>
internal sealed record OperationRequested(long Id, SupervisorEvent Request) : SupervisorEvent;

internal enum StopKind
{
    /// <summary>Requests in flight may finish within GracefulTimeout.</summary>
    Graceful,

    /// <summary>Workers are asked to leave at once and killed shortly after.</summary>
    Quick,
}

/// <summary>How a process ended: with a code, or by a signal.</summary>
internal readonly record struct ExitStatus(int? Code, int? Signal)
{
    public static ExitStatus Exited(int code) => new(code, null);

    public static ExitStatus Killed(int signal) => new(null, signal);
}

/// <summary>A request that is too old.</summary>
internal sealed record SlowRequest(string Method, string Path, TimeSpan Age);
