namespace KestrelGreenTransport.Accepting;

// A share never shrinks, is whole after the longest time, and whole at once for a worker that is as fast as its siblings.

/// <summary>
/// Which share of the new connections a worker takes that has just begun to serve: less than its siblings for as long as a request costs it
/// more processor time than them. It decides purely.
/// </summary>
/// <param name="longest">When it is over in any case; zero: at once.</param>
internal sealed class SlowStart(TimeSpan longest)
{
    /// <summary>With what it begins, against one for each sibling: what it serves in its first seconds against later, one processor visible (docs/benchmarks.md).</summary>
    public const double LeastShare = 0.25;

    // What is left is noise.
    private const double AsFast = 0.9;

    private double _share;

    public bool IsOver { get; private set; } = longest <= TimeSpan.Zero;

    /// <summary>Its share now, up to 1.</summary>
    /// <param name="sinceOpen">How long it has served.</param>
    /// <param name="own">What a request costs it; null while that is not known.</param>
    /// <param name="siblings">What a request costs its siblings; null while that is not known: then there is nothing to be slower than.</param>
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
    /// The connections that such a worker counts as held beyond those that it holds, so that all who share come to the same shares: with them it
    /// has as many as the mean sibling.
    /// </summary>
    public static long Ballast(double share, SiblingFigures siblings) =>
        siblings.Count == 0 ? 0 : (long)((1 - share) * siblings.Connections / siblings.Count);
}
