namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>What the arbiter wants done. The runtime does it and reports back by events.</summary>
internal abstract record Effect;

/// <summary>Launch a process for this index; answered by <see cref="WorkerSpawned"/> or <see cref="WorkerSpawnFailed"/>.</summary>
internal sealed record SpawnWorker(int Index, long Generation) : Effect;

/// <summary>Open the worker's gate: it accepts from now on.</summary>
internal sealed record OpenWorker(int Index) : Effect;

/// <summary>Tell the worker to warm up, behind its closed gate. <see cref="WorkerWarmed"/> is the answer, and <see cref="OpenWorker"/> ends it early.</summary>
internal sealed record WarmWorker(int Index, WarmUpPlan Plan) : Effect;

/// <summary>Tell every worker that one of them is gone: what was about to be accepted by it waits.</summary>
internal sealed record TellSiblings(int Index) : Effect;

/// <summary>
/// Find out how this generation is started, and do what must be done before; answered by <see cref="Prepared"/> or
/// <see cref="PreparationFailed"/>.
/// </summary>
internal sealed record Prepare(long Generation) : Effect;

/// <summary>End what is being done before a generation is started; it is answered all the same.</summary>
internal sealed record CancelPreparation : Effect;

/// <summary>Tell the worker to stop accepting, finish and exit: a drain message on the lifeline, then SIGTERM.</summary>
internal sealed record DrainWorker(int Index, TimeSpan Deadline) : Effect;

/// <summary>Have the process leave its stacks, as far as it can; answered by <see cref="WorkerAbortFinished"/> or <see cref="WorkerExited"/>.</summary>
internal sealed record AbortWorker(int Index, ExitReason Reason, Verdict? Verdict) : Effect;

/// <summary>Tell a worker that it is the leader, or no longer; the latter is answered by <see cref="WorkerResigned"/> or <see cref="WorkerExited"/>.</summary>
internal sealed record AppointLeader(int Index, bool IsLeader) : Effect;

/// <summary>SIGKILL.</summary>
internal sealed record KillWorker(int Index) : Effect;

/// <summary>Something a person should read.</summary>
internal sealed record Report(Notice Notice) : Effect;

/// <summary>Start a successor; answered by <see cref="UpgradeEnded"/>.</summary>
internal sealed record BeginUpgrade : Effect;

/// <summary>An operation is over: its client is told.</summary>
/// <param name="Id">The operation.</param>
/// <param name="Request">What was asked for.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Left">How many processes had to leave for it.</param>
/// <param name="Cause">Why it failed.</param>
internal sealed record EndOperation(long Id, SupervisorEvent Request, OperationOutcome Outcome, int Left, Notice? Cause) : Effect;

/// <summary>All is done: leave with this code.</summary>
internal sealed record Leave(int ExitCode) : Effect;
