namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>How long a seat waits before its next process starts.</summary>
internal static class Backoff
{
    private const double JitterShare = 0.1;

    /// <summary>
    /// The first retry is immediate. From the second in a row on the delay grows up to a limit, plus or minus a tenth, so that
    /// workers that died together are not restarted together.
    /// </summary>
    /// <param name="retry">The number of this retry in the row, from 1.</param>
    /// <param name="random">The state of the random number generator; the new state is returned.</param>
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

    /// <summary>A random number from 0 to <paramref name="most"/>, inclusive, and the new state of the generator.</summary>
    public static (long Number, uint Random) Draw(long most, uint random)
    {
        if (most == 0)
        {
            return (0, random);
        }

        random = XorShift(random);
        return (random % (most + 1), random);
    }

    // Marsaglia's xorshift32. It stays at zero once it is there, so zero is replaced by 1.
    private static uint XorShift(uint x)
    {
        x = x == 0 ? 1 : x;
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        return x;
    }
}
