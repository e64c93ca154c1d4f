namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>
/// The arbiter's reports, as data: the runtime turns it into a log line (and, for the fatal ones, adds the
/// worker's last output).
/// </summary>
internal abstract record Notice;

/// <summary>A worker is booted and warm.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="BootTime">Since its spawn.</param>
/// <param name="StandsBy">Whether it waits until another worker is lost; otherwise it serves.</param>
internal sealed record WorkerReadyNotice(int Index, int Pid, TimeSpan BootTime, bool StandsBy) : Notice;

/// <summary>A worker that stood by now serves.</summary>
internal sealed record WorkerTakesOverNotice(int Index, int Pid) : Notice;

/// <summary>A worker's warm-up request was not answered as it should be.</summary>
internal sealed record WarmUpFailedNotice(int Index, int Pid, string Problem) : Notice;

/// <summary>A worker begins to serve before it is warm, because no other worker is serving.</summary>
internal sealed record WarmUpCutShortNotice(int Index, int Pid) : Notice;

/// <summary>A worker is to be replaced, and keeps serving until then.</summary>
internal sealed record WorkerDueNotice(int Index, int Pid, ExitReason Reason) : Notice;

/// <summary>One worker was asked to leave.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="RestartIn">When its replacement is spawned; zero: now.</param>
internal sealed record WorkerDrainedNotice(int Index, int Pid, TimeSpan? RestartIn) : Notice;

/// <summary>All workers were asked to leave; the sockets stay.</summary>
internal sealed record DrainedNotice(int Workers) : Notice;

internal sealed record ReloadingNotice(long Generation) : Notice;

internal sealed record ReloadedNotice(long Generation, int Workers, TimeSpan Time) : Notice;

/// <summary>A reload failed.</summary>
/// <param name="Generation">The generation that it was to bring.</param>
/// <param name="InForce">The generation that stays in force.</param>
/// <param name="Cause">Why it failed.</param>
/// <param name="Replaced">How many workers had already been replaced, and are rolled back.</param>
internal sealed record ReloadFailedNotice(long Generation, long InForce, Notice Cause, int Replaced) : Notice;

/// <summary>After a failed reload the former generation does not come up again where it was replaced: there the new one stays.</summary>
internal sealed record RollbackFailedNotice(long Generation, Notice Cause) : Notice;

/// <summary>A generation cannot be started.</summary>
internal sealed record PreparationFailedNotice(long Generation, string Message) : Notice;

/// <summary>A worker ended unasked.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="Exit">How and why it ended.</param>
/// <param name="RestartIn">When its replacement is spawned; null when there will be none.</param>
internal sealed record WorkerDiedNotice(int Index, int Pid, LastExit Exit, TimeSpan? RestartIn) : Notice;

/// <summary>A worker that was told to end has ended; <see cref="LastExit.Reason"/> says why it was told to.</summary>
internal sealed record WorkerLeftNotice(int Index, int Pid, LastExit Exit) : Notice;

/// <summary>A serving worker sent no heartbeat for longer than Timeout: it is aborted, then killed.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="Silence">Since its last beat, or since silence began to count.</param>
/// <param name="Timeout">What was allowed.</param>
/// <param name="Verdict">Why, as far as the board tells.</param>
/// <param name="RestartIn">When its replacement is spawned; zero: now.</param>
internal sealed record WorkerStaleNotice(int Index, int Pid, TimeSpan Silence, TimeSpan Timeout, Verdict Verdict, TimeSpan? RestartIn) : Notice;

/// <summary>A worker was appointed to lead.</summary>
internal sealed record LeaderNotice(int Index, int Pid) : Notice;

/// <summary>A request has been in flight for longer than RequestTimeout.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="Request">The request.</param>
/// <param name="IsKilled">Whether the worker is ended for it.</param>
/// <param name="RestartIn">When the replacement of an ended worker is spawned; zero: now.</param>
internal sealed record SlowRequestNotice(int Index, int Pid, SlowRequest Request, bool IsKilled, TimeSpan? RestartIn) : Notice;

/// <summary>A worker did not serve within BootTimeout: it is aborted, then killed.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="BootTimeout">What was allowed.</param>
/// <param name="RestartIn">When its replacement is spawned; null when there will be none.</param>
internal sealed record WorkerBootTimeoutNotice(int Index, int Pid, TimeSpan BootTimeout, TimeSpan? RestartIn) : Notice;

/// <summary>A serving worker began to leave unasked: another process signalled it, or the app stopped itself.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="RestartIn">When its replacement is spawned; zero: now.</param>
internal sealed record WorkerLeavingNotice(int Index, int Pid, TimeSpan? RestartIn) : Notice;

/// <summary>A worker said why it cannot start, while others have served: its death is handled as any other.</summary>
internal sealed record WorkerFailedToStartNotice(int Index, int Pid, string Message) : Notice;

/// <summary>A worker did not leave in time and is killed.</summary>
internal sealed record WorkerKilledNotice(int Index, int Pid, string Why) : Notice;

/// <summary>A process could not be made.</summary>
/// <param name="Index">The worker that it was meant for.</param>
/// <param name="Error">What the system said.</param>
/// <param name="RetryIn">When it is tried again; null when it will not be.</param>
internal sealed record SpawnFailedNotice(int Index, string Error, TimeSpan? RetryIn) : Notice;

/// <summary>The supervisor itself did not run for a while (stopped, or the machine was): every worker gets a fresh window.</summary>
internal sealed record SupervisorPausedNotice(TimeSpan Gap) : Notice;

internal sealed record ScalingNotice(int From, int To) : Notice;

internal sealed record StoppingNotice(StopKind Kind, int Workers) : Notice;

/// <summary>No worker of the first generation ever served; the supervisor gives up with exit code 3.</summary>
/// <param name="Index">The worker whose output tells most.</param>
/// <param name="AnyHello">False when no worker ever said hello: perhaps the app never calls UseGreenTransport().</param>
internal sealed record BootFailureNotice(int Index, bool AnyHello) : Notice;

/// <summary>A booting worker listens on a socket of its own and has not called UseGreenTransport() yet: perhaps it never will.</summary>
internal sealed record WorkerListensByItselfNotice(int Index, int Pid, string Endpoint, TimeSpan BootTimeout) : Notice;

/// <summary>The app cannot be run as a worker at all; the supervisor gives up with this code (4).</summary>
internal sealed record AppNotStartableNotice(int Index, string Message, int ExitCode) : Notice;
