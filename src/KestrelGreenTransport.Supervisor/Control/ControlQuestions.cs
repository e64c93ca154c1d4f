using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>
/// What the control socket answers without asking the arbiter. Each answer is read from what other threads have published,
/// on the control server's thread, and changes nothing.
/// </summary>
internal static class ControlQuestions
{
    /// <summary>The most lines in one answer.</summary>
    public const int MostLines = 5000;

    // Well below what a client reads for one answer, with room for JSON's escapes.
    private const int MostCharacters = 512 * 1024;

    public static IReadOnlyDictionary<string, Func<ControlRequest, ControlResponse>> Of(Journal journal, Func<Figures> figures, Func<SupervisorState> state, TimeProvider time) =>
        new Dictionary<string, Func<ControlRequest, ControlResponse>>(StringComparer.Ordinal)
        {
            ["figures"] = _ => new ControlResponse { Figures = figures() },
            ["logs"] = request => Read(journal, request, eventsOnly: false),
            ["story"] = request => new ControlResponse
            {
                Story = WorkerStory.Of(request.Worker ?? 0, state(), journal, time.GetTimestamp(), time.GetUtcNow()),
            },
            ["reloads"] = _ => new ControlResponse { Reloads = ReloadsStatus.Of(state()) },
            ["events"] = request => Read(journal, request, eventsOnly: true),
        };

    private static ControlResponse Read(Journal journal, ControlRequest request, bool eventsOnly)
    {
        var (entries, next) = journal.Read(request.After ?? 0, Math.Clamp(request.Last ?? MostLines, 0, MostLines), request.Worker, eventsOnly);
        var characters = 0;
        var fitting = entries.Reverse().TakeWhile(entry => (characters += entry.Text.Length) <= MostCharacters).Reverse();
        return new ControlResponse { Lines = [.. fitting.Select(LogLine.Of)], Next = next };
    }
}
