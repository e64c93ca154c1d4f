using System.Diagnostics.CodeAnalysis;
using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Dumps;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Privileges;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Workers;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Loop;

/// <summary>
/// Finds out how a new generation is started: reads the settings and looks the app up again (a project is built), binds the addresses
/// that are not bound yet, and runs the command that comes before the start. It reads files and waits, so each preparation has its own thread.
/// </summary>
internal sealed class GenerationPreparer(Generations generations, ListenerBinder binder, WorkerIdentity? identity, ILogger logger) : IDisposable
{
    // What was done with these when the supervisor started cannot be done again while it runs.
    private static readonly (string Name, Func<LaunchPlan, object?> Of)[] FixedSettings =
    [
        ("Name", static plan => plan.Name),
        ("Control", static plan => plan.Options.Control),
        ("User", static plan => plan.Options.User),
        ("Group", static plan => plan.Options.Group),
        ("Umask", static plan => plan.Options.Umask),
        ("PidFile", static plan => plan.Options.PidFile),
        ("LogFile", static plan => plan.Options.LogFile),
        ("LogFormat", static plan => plan.Options.LogFormat),
        ("Hook", static plan => string.Join('\n', plan.Options.Hook)),
        ("DumpOnStale", static plan => plan.Options.DumpOnStale),
        ("DumpKind", static plan => plan.Options.DumpKind),
        ("Admin", static plan => plan.Options.Admin),
        ("AdminToken", static plan => plan.Options.AdminToken),
        ("AdminAllowRemote", static plan => plan.Options.AdminAllowRemote),
        ("Watch", static plan => plan.Options.Watch),
    ];

    private readonly CancellableCommand _command = new();

    /// <summary>Prepares a generation; <paramref name="done"/> is called on the preparer's thread.</summary>
    /// <param name="generation">Which one.</param>
    /// <param name="inForce">The generation in force.</param>
    /// <param name="workers">The living workers, by index, with their pids.</param>
    /// <param name="done">Gets <see cref="Prepared"/> or <see cref="PreparationFailed"/>.</param>
    public void Begin(long generation, long inForce, IReadOnlyDictionary<int, int> workers, Action<SupervisorEvent> done) =>
        new Thread(() => done(Prepare(generation, inForce, workers))) { IsBackground = true, Name = "green-prepare" }.Start();

    /// <summary>Ends what is being built or done before a start.</summary>
    public void Cancel() => _command.Cancel();

    public void Dispose() => _command.Dispose();

    /// <summary>What the arbiter must know of a plan.</summary>
    public static ArbiterSettings SettingsOf(LaunchPlan plan) => new()
    {
        Timeout = plan.Options.Timeout,
        BootTimeout = plan.Options.BootTimeout,
        GracefulTimeout = plan.Options.GracefulTimeout,
        Standby = plan.Options.Standby,
        WarmUp = plan is { WarmUp.IsEmpty: true, RecordedQuery: null }
            ? null
            : new WarmUpPlan(plan.WarmUp, plan.Options.WarmUpTime, plan.RecordedQuery is not null),
        MaxRequests = plan.Options.MaxRequests,
        MaxRequestsJitter = plan.Options.MaxRequestsJitter,
        MaxMemory = plan.Options.MaxMemory ?? 0,
        MaxLifetime = plan.Options.MaxLifetime,
        PreparesStart = plan.Options.BeforeStart is not null,
        KillsHungRequests = plan.Options.RequestTimeoutAction == GreenRequestTimeoutAction.Kill,
        DumpTimeout = plan.Options.DumpOnStale is null ? null : HungDumps.LimitFor(plan.Options.DumpKind),
    };

    [SuppressMessage("Design", "CA1031", Justification = "Whatever the failure is, the generation in force keeps serving, and the failure is logged.")]
    private SupervisorEvent Prepare(long generation, long inForce, IReadOnlyDictionary<int, int> workers)
    {
        try
        {
            foreach (var (index, pid) in workers)
            {
                if (LoadedFiles.Warn(index, LoadedFiles.OverwrittenOf(pid)) is { } warning)
                {
                    SupervisorLog.Overwritten(logger, warning);
                }
            }

            var current = generations[inForce].Plan;
            if (generation == inForce)
            {
                return RunBeforeStart(generation, current) as SupervisorEvent ?? new Prepared(generation, SettingsOf(current), null);
            }

            var (plan, problems) = current.Renew(new CommandRunner(Self.Variables(), _command, line => SupervisorLog.Build(logger, line)));
            if (plan is null)
            {
                return new PreparationFailed(generation, string.Join(' ', problems));
            }

            // Registered first: whatever happens to the generation, its resources are then released with it.
            generations.Add(generation, new Generation(plan, []));
            generations.Add(generation, new Generation(plan, binder.Bind(plan, isStart: false)));
            if (RunBeforeStart(generation, plan) is { } failed)
            {
                return failed;
            }

            var changed = FixedSettings.Where(one => !Equals(one.Of(plan), one.Of(current))).Select(static one => one.Name).ToList();
            if (changed.Count > 0)
            {
                SupervisorLog.NeedsRestart(logger, string.Join(", ", changed));
            }

            var wanted = plan.Options.Workers == current.Options.Workers ? (int?)null : plan.Options.Workers;
            return new Prepared(generation, SettingsOf(plan), wanted);
        }
        catch (Exception e)
        {
            return new PreparationFailed(generation, e.Message);
        }
    }

    private PreparationFailed? RunBeforeStart(long generation, LaunchPlan plan) =>
        plan.Options.BeforeStart is { } command && BeforeStart.Run(_command, command, plan, identity, line => SupervisorLog.BeforeStart(logger, line)) is { } failure
            ? new PreparationFailed(generation, failure)
            : null;
}
