namespace KestrelGreenTransport.Accepting;

/// <summary>
/// How many connections a process may take while siblings accept on the same sockets. It decides purely.
///
/// The kernel wakes the process that slept last, so that one would get nearly everything (seen: 198 of 200 connections).
/// Whoever holds one more than the mean therefore leaves the listener, and the kernel wakes another. A wider margin would
/// be for those that are woken first to keep: with a tenth, four workers end at 110, 110, 110 and 70.
/// </summary>
internal static class FairShare
{
    /// <summary>How long who has its share leaves the listener to the siblings before it looks again.</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    /// <summary>How many more this process may accept; 0 when it has its share.</summary>
    /// <param name="own">Connections that it holds.</param>
    /// <param name="siblings">The siblings that serve, and what they hold.</param>
    /// <param name="waiting">Clients in the kernel's queue, as far as known: they are to be shared, too.</param>
    public static long Allowance(long own, SiblingFigures siblings, long waiting)
    {
        if (siblings.Count == 0)
        {
            return long.MaxValue;
        }

        var mean = (own + siblings.Connections + waiting) / (siblings.Count + 1.0);
        return Math.Max(0, (long)Math.Floor(mean + 1 - own));
    }
}
