namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>What the arbiter wants done. The runtime does it and reports back by events.</summary>
internal abstract record Effect;

/// <summary>Launch a process for this index; answered by <see cref="WorkerSpawned"/> or <see cref="WorkerSpawnFailed"/>.</summary>
internal sealed record SpawnWorker(int Index, long Generation) : Effect;

/// <summary>Tell the worker to stop accepting, finish and exit: a drain message on the lifeline, then SIGTERM.</summary>
internal sealed record DrainWorker(int Index, TimeSpan Deadline) : Effect;

/// <summary>SIGABRT, so that the process leaves its stacks; answered by <see cref="WorkerAbortFinished"/> or <see cref="WorkerExited"/>.</summary>
internal sealed record AbortWorker(int Index) : Effect;

/// <summary>SIGKILL.</summary>
internal sealed record KillWorker(int Index) : Effect;

/// <summary>Something a person should read.</summary>
internal sealed record Report(Notice Notice) : Effect;

/// <summary>All is done: leave with this code.</summary>
internal sealed record Leave(int ExitCode) : Effect;
