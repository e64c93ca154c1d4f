using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>Which reloads were requested, and how the last one ended.</summary>
/// <param name="Asked">The number of the last reload that was requested.</param>
/// <param name="Last">The last reload that has ended; null before the first.</param>
internal sealed record ReloadsStatus(long Asked, EndedReload? Last)
{
    public static ReloadsStatus Of(SupervisorState state) => new(
        state.ReloadsAsked,
        state.LastReload is { } last
            ? new EndedReload(
                last.Number,
                last.Generation,
                last.Failure is null ? null : ReloadFailure.Describe(last.Failure),
                last.Failure is null ? null : ReloadFailure.WorkerOf(last.Failure))
            : null);
}

/// <summary>A reload that has ended.</summary>
/// <param name="Number">Which one.</param>
/// <param name="Generation">The generation that it was to introduce.</param>
/// <param name="Failure">Why it failed; null when it succeeded.</param>
/// <param name="Worker">The worker that made it fail, if one did.</param>
internal sealed record EndedReload(long Number, long Generation, string? Failure, int? Worker);
