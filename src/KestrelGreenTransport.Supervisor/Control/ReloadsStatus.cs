using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>Which reloads were asked for, and how the last one ended.</summary>
/// <param name="Asked">The number of the last one that was asked for.</param>
/// <param name="Last">The last one that has ended; null before that.</param>
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
/// <param name="Generation">The generation that it was to bring.</param>
/// <param name="Failure">What it failed of; null when it succeeded.</param>
/// <param name="Worker">The worker that it failed of, if it was one.</param>
internal sealed record EndedReload(long Number, long Generation, string? Failure, int? Worker);
