namespace KestrelGreenTransport.Supervisor.Reporting;

/// <summary>Guesses what the user meant to write.</summary>
internal static class Suggestion
{
    /// <summary>The closest candidate; null if none is close: at most a third of the letters may differ.</summary>
    public static string? Closest(string written, IEnumerable<string> candidates)
    {
        var (best, bestDistance) = ((string?)null, int.MaxValue);
        foreach (var candidate in candidates)
        {
            var distance = Distance(written.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (distance < bestDistance)
            {
                (best, bestDistance) = (candidate, distance);
            }
        }

        return best is not null && bestDistance <= Math.Max(1, Math.Max(written.Length, best.Length) / 3) ? best : null;
    }

    /// <summary>"; did you mean X?", or nothing.</summary>
    public static string Tail(string written, IEnumerable<string> candidates) =>
        Closest(written, candidates) is { } closest ? $"; did you mean {closest}?" : ".";

    // Insertions, deletions, replacements and swaps of neighbours (restricted Damerau distance).
    private static int Distance(string from, string to)
    {
        var (older, old, current) = (new int[to.Length + 1], new int[to.Length + 1], new int[to.Length + 1]);
        for (var j = 0; j <= to.Length; j++)
        {
            old[j] = j;
        }

        for (var i = 1; i <= from.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var cost = from[i - 1] == to[j - 1] ? 0 : 1;
                current[j] = Math.Min(Math.Min(current[j - 1] + 1, old[j] + 1), old[j - 1] + cost);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    current[j] = Math.Min(current[j], older[j - 2] + 1);
                }
            }

            (older, old, current) = (old, current, older);
        }

        return old[to.Length];
    }
}
