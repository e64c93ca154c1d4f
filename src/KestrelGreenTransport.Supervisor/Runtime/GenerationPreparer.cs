using System.Diagnostics.CodeAnalysis;
using KestrelGreenTransport.Supervisor.Core;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>
/// Finds out how a new generation is started: reads the settings again and looks the app up anew. It reads files, so it
/// has a thread of its own each time, for as long as that takes.
/// </summary>
internal sealed class GenerationPreparer(Generations generations, ILogger logger)
{
    // What was done with these when the supervisor started cannot be done again while it runs.
    private static readonly (string Name, Func<LaunchPlan, object?> Of)[] FixedSettings =
    [
        ("Bind", static plan => string.Join(", ", plan.Binds.Select(static bind => bind.Text))),
        ("Backlog", static plan => plan.Options.Backlog),
        ("UnixFileMode", static plan => plan.Options.UnixFileMode),
        ("Name", static plan => plan.Name),
        ("Control", static plan => plan.Options.Control),
    ];

    /// <summary>Prepares a generation; <paramref name="done"/> is called on the preparer's thread.</summary>
    /// <param name="generation">Which one.</param>
    /// <param name="inForce">The one that serves.</param>
    /// <param name="done">Gets <see cref="Prepared"/> or <see cref="PreparationFailed"/>.</param>
    public void Begin(long generation, long inForce, Action<SupervisorEvent> done) =>
        new Thread(() => done(Prepare(generation, inForce))) { IsBackground = true, Name = "green-prepare" }.Start();

    [SuppressMessage("Design", "CA1031", Justification = "Whatever it fails of, the generation in force goes on, and a person is told.")]
    private SupervisorEvent Prepare(long generation, long inForce)
    {
        try
        {
            var current = generations[inForce];
            var (plan, problems) = current.Renew();
            if (plan is null)
            {
                return new PreparationFailed(generation, string.Join(' ', problems));
            }

            var changed = FixedSettings.Where(one => !Equals(one.Of(plan), one.Of(current))).Select(static one => one.Name).ToList();
            if (changed.Count > 0)
            {
                SupervisorLog.NeedsRestart(logger, string.Join(", ", changed));
            }

            generations.Add(generation, plan, inForce);
            var workers = plan.Options.Workers == current.Options.Workers ? (int?)null : plan.Options.Workers;
            return new Prepared(generation, Generations.SettingsOf(plan), workers);
        }
        catch (Exception e)
        {
            return new PreparationFailed(generation, e.Message);
        }
    }
}
