namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>The arbiter's unit of time, as the kernel's monotonic clock gives it.</summary>
internal static class Nanoseconds
{
    public static long Of(TimeSpan span) => span.Ticks * TimeSpan.NanosecondsPerTick;

    public static TimeSpan ToTimeSpan(long nanoseconds) => TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
}
