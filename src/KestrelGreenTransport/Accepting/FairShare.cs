namespace KestrelGreenTransport.Accepting;

/// <summary>
/// How many connections a process may take while siblings accept on the same sockets. Decides purely.
///
/// The kernel wakes the process that is first in its queue, which would get nearly everything (measured: 198 of 200
/// connections). So a process with one connection more than the mean leaves the listener, and the kernel wakes another. A
/// wider margin would favour the processes that are woken first: with a tenth, four workers end at 110, 110, 110 and 70.
/// </summary>
internal static class FairShare
{
    /// <summary>How long a process that has its share leaves the listener to the siblings before it checks again.</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    /// <summary>How many more this process may accept; 0 when it has its share.</summary>
    /// <param name="own">Connections of this process.</param>
    /// <param name="siblings">The serving siblings and their connections.</param>
    /// <param name="waiting">Clients in the kernel's queue, as far as known: they are shared, too.</param>
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
