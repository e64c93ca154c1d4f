namespace KestrelGreenTransport.Supervisor;

public sealed partial class GreenSupervisorOptions
{
    /// <summary>The sockets are bound, and the first workers are about to be started.</summary>
    /// <remarks>
    /// Handlers of all these events are called in order, on threads of their own, after the event: none can delay or change
    /// what the supervisor does. The supervisor stops waiting for one that has not returned after ten seconds.
    /// </remarks>
    public event Action<GreenHookEvent>? OnStarting;

    /// <summary>A worker is about to be started.</summary>
    public event Action<GreenHookEvent>? BeforeSpawn;

    /// <summary>A worker has started to serve.</summary>
    public event Action<GreenHookEvent>? OnWorkerReady;

    /// <summary>A worker hangs and is about to be killed.</summary>
    public event Action<GreenHookEvent>? OnWorkerHung;

    /// <summary>A worker's process has ended.</summary>
    public event Action<GreenHookEvent>? OnWorkerExit;

    /// <summary>A reload begins.</summary>
    public event Action<GreenHookEvent>? OnReload;

    /// <summary>The wanted number of workers has changed.</summary>
    public event Action<GreenHookEvent>? OnScale;

    /// <summary>All workers have exited, and the supervisor is about to exit.</summary>
    public event Action<GreenHookEvent>? OnExit;

    /// <summary>
    /// Commands for <c>/bin/sh</c> to run on an event, such as <c>worker-exit=COMMAND</c>; the events are those of
    /// <see cref="GreenHook"/>. The details are in <c>GREEN_HOOK_*</c> variables. Each command has ten seconds. Defaults to none.
    /// </summary>
    public IList<string> Hook { get; } = [];

    internal bool HasHandlers => Enum.GetValues<GreenHook>().Any(hook => HandlersOf(hook).Any());

    internal IEnumerable<Action<GreenHookEvent>> HandlersOf(GreenHook hook)
    {
        var handlers = hook switch
        {
            GreenHook.Starting => OnStarting,
            GreenHook.BeforeSpawn => BeforeSpawn,
            GreenHook.WorkerReady => OnWorkerReady,
            GreenHook.WorkerHung => OnWorkerHung,
            GreenHook.WorkerExit => OnWorkerExit,
            GreenHook.Reload => OnReload,
            GreenHook.Scale => OnScale,
            _ => OnExit,
        };
        return handlers?.GetInvocationList().Cast<Action<GreenHookEvent>>() ?? [];
    }
}
