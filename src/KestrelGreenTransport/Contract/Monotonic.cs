namespace KestrelGreenTransport.Contract;

/// <summary>Monotonic nanoseconds: the unit of all times that workers and their supervisor exchange.</summary>
internal static class Monotonic
{
    private const long PerSecond = 1_000_000_000;

    /// <summary>The clock's monotonic nanoseconds. On Linux the system clock's are those of CLOCK_MONOTONIC, the same in every process.</summary>
    public static long Nanoseconds(this TimeProvider time)
    {
        var timestamp = time.GetTimestamp();
        return time.TimestampFrequency == PerSecond ? timestamp : (long)((Int128)timestamp * PerSecond / time.TimestampFrequency);
    }

    public static long ToNanoseconds(this TimeSpan duration) => duration.Ticks * TimeSpan.NanosecondsPerTick;
}
