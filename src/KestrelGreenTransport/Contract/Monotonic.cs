namespace KestrelGreenTransport.Contract;

/// <summary>Monotonic nanoseconds: the unit in which workers and their supervisor tell each other about time.</summary>
internal static class Monotonic
{
    private const long PerSecond = 1_000_000_000;

    /// <summary>The clock's monotonic nanoseconds. On Linux the system's are those of CLOCK_MONOTONIC, the same in every process.</summary>
    public static long Nanoseconds(this TimeProvider time)
    {
        var timestamp = time.GetTimestamp();
        return time.TimestampFrequency == PerSecond ? timestamp : (long)((Int128)timestamp * PerSecond / time.TimestampFrequency);
    }

    public static long ToNanoseconds(this TimeSpan duration) => duration.Ticks * TimeSpan.NanosecondsPerTick;
}
