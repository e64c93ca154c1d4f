namespace KestrelGreenTransport.Accepting;

// A share never shrinks. It is whole after the longest time, and as soon as the worker is as fast as its siblings.

/// <summary>
/// The share of new connections that a new worker takes: less than its siblings while its requests cost more processor time than
/// theirs. It decides purely.
/// </summary>
/// <param name="longest">The slow start is over after this time at the latest; zero means at once.</param>
internal sealed class SlowStart(TimeSpan longest)
{
    /// <summary>The first share, where each sibling has 1. About the part of its later rate that a worker with one visible processor reaches in its first seconds (docs/benchmarks.md).</summary>
    public const double LeastShare = 0.25;

    // The remaining difference is noise.
    private const double AsFast = 0.9;

    private double _share;

    public bool IsOver { get; private set; } = longest <= TimeSpan.Zero;

    /// <summary>The worker's share now, up to 1.</summary>
    /// <param name="sinceOpen">How long it has been serving.</param>
    /// <param name="own">What a request costs this worker; null while that is unknown.</param>
    /// <param name="siblings">What a request costs its siblings; null while that is unknown, and then the share is whole.</param>
    public double Share(TimeSpan sinceOpen, double? own, double? siblings)
    {
        IsOver |= sinceOpen >= longest || (own > 0 && siblings / own >= AsFast);
        if (IsOver || siblings is null)
        {
            return 1;
        }

        var byTime = LeastShare + ((1 - LeastShare) * (sinceOpen / longest));
        var byPace = own > 0 ? siblings.Value / own.Value : 0;
        return _share = Math.Clamp(Math.Max(byTime, byPace), _share, 1);
    }

    /// <summary>
    /// How many connections such a worker counts as held in addition to its real ones, so that all workers compute the same shares: with
    /// them it appears to hold as many as the mean sibling.
    /// </summary>
    public static long Ballast(double share, SiblingFigures siblings) =>
        siblings.Count == 0 ? 0 : (long)((1 - share) * siblings.Connections / siblings.Count);
}
