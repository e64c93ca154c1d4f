namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>How long a seat waits for its next process.</summary>
internal static class Backoff
{
    private const double JitterShare = 0.1;

    /// <summary>
    /// The first retry comes at once; from the second in a row on it waits, ever longer up to a bound, give or take a
    /// tenth, so that workers that died together do not come back together.
    /// </summary>
    /// <param name="retry">Which retry in a row this is, from 1.</param>
    /// <param name="random">The state of the random numbers; the next one is returned.</param>
    public static (TimeSpan Delay, uint Random) Before(int retry, uint random)
    {
        if (retry <= 1)
        {
            return (TimeSpan.Zero, random);
        }

        var growth = Math.Pow(ArbiterSettings.BackoffGrowth, retry - 2);
        var delay = Math.Min(ArbiterSettings.FirstBackoff.TotalSeconds * growth, ArbiterSettings.LongestBackoff.TotalSeconds);
        random = XorShift(random);
        var jitter = ((double)random / uint.MaxValue * 2) - 1;
        return (TimeSpan.FromSeconds(delay * (1 + (JitterShare * jitter))), random);
    }

    /// <summary>A number from 0 to this one.</summary>
    /// <param name="most">The largest.</param>
    /// <param name="random">The state of the random numbers; the next one is returned.</param>
    public static (long Number, uint Random) Draw(long most, uint random)
    {
        if (most == 0)
        {
            return (0, random);
        }

        random = XorShift(random);
        return (random % (most + 1), random);
    }

    // Marsaglia's xorshift32. It never leaves zero, so zero is not let in.
    private static uint XorShift(uint x)
    {
        x = x == 0 ? 1 : x;
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        return x;
    }
}
