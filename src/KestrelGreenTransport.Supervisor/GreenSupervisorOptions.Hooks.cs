namespace KestrelGreenTransport.Supervisor;

public sealed partial class GreenSupervisorOptions
{
    /// <summary>The sockets are bound, and the first workers are about to be started.</summary>
    /// <remarks>
    /// Handlers of all these events are told in order, on threads of their own, after the fact: none can stall or change
    /// what the supervisor does. One that has not returned after ten seconds is left behind.
    /// </remarks>
    public event Action<GreenHookEvent>? OnStarting;

    /// <summary>A worker is about to be started.</summary>
    public event Action<GreenHookEvent>? BeforeSpawn;

    /// <summary>A worker serves.</summary>
    public event Action<GreenHookEvent>? OnWorkerReady;

    /// <summary>A worker hangs and is about to be ended for it.</summary>
    public event Action<GreenHookEvent>? OnWorkerHung;

    /// <summary>A worker's process has ended.</summary>
    public event Action<GreenHookEvent>? OnWorkerExit;

    /// <summary>A reload begins.</summary>
    public event Action<GreenHookEvent>? OnReload;

    /// <summary>The number of workers that are wanted has changed.</summary>
    public event Action<GreenHookEvent>? OnScale;

    /// <summary>All workers are gone, and the supervisor is about to leave.</summary>
    public event Action<GreenHookEvent>? OnExit;

    /// <summary>
    /// Commands for <c>/bin/sh</c> that are run when something happens: <c>worker-exit=COMMAND</c>; the moments are those
    /// of <see cref="GreenHook"/>. The facts are in <c>GREEN_HOOK_*</c> variables. Each has ten seconds. Defaults to none.
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
