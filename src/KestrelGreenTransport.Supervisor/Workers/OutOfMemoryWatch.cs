using System.Globalization;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Workers;

// The kernel counts a kill before it sends the signal, so the count has grown by the time that the victim is reaped.
// Workers share the supervisor's control group, so its count is theirs.

/// <summary>
/// Tells whether a worker that was killed from outside was killed for want of memory: by the count that the kernel
/// keeps for the control group, or where there is none for the whole machine. Used by one thread.
/// </summary>
internal sealed class OutOfMemoryWatch
{
    private readonly Func<long?> _kills;
    private long _seen;
    private long _atLastForget;

    public OutOfMemoryWatch()
        : this(FindCounter())
    {
    }

    /// <param name="kills">How many processes the kernel has killed for want of memory so far; null when it cannot be known.</param>
    internal OutOfMemoryWatch(Func<long?> kills)
    {
        _kills = kills;
        _seen = _atLastForget = kills() ?? 0;
    }

    /// <summary>Whether a kill stands to be explained. Each kill of the kernel's explains one death.</summary>
    public bool Explains()
    {
        if (_kills() is not { } kills || kills <= _seen)
        {
            return false;
        }

        _seen++;
        return true;
    }

    /// <summary>Called now and then: what explained no death since the call before was the end of somebody else.</summary>
    public void Forget()
    {
        _seen = Math.Max(_seen, _atLastForget);
        _atLastForget = _kills() ?? 0;
    }

    /// <summary>A control group's directory with a count of kills, from the lines of <c>/proc/self/cgroup</c>; null when there is none.</summary>
    internal static string? CounterFile(IEnumerable<string> groups, Func<string, bool> exists)
    {
        foreach (var group in groups)
        {
            var parts = group.Split(':', 3);
            if (parts is [_, var controllers, var path])
            {
                // Version 2 has one hierarchy without a name, version 1 one for memory. In a container the path may be
                // the host's, and the group is mounted at the root.
                var (root, file) = controllers.Length == 0 ? ("/sys/fs/cgroup", "memory.events")
                    : controllers.Split(',').Contains("memory") ? ("/sys/fs/cgroup/memory", "memory.oom_control")
                    : ("", "");
                var candidates = new[] { $"{root}{path.TrimEnd('/')}/{file}", $"{root}/{file}" };
                if (root.Length > 0 && candidates.FirstOrDefault(exists) is { } found)
                {
                    return found;
                }
            }
        }

        return null;
    }

    /// <summary>The number after <c>oom_kill</c>; null when the text has none.</summary>
    internal static long? KillsIn(string? text)
    {
        foreach (var line in (text ?? "").Split('\n'))
        {
            if (line.StartsWith("oom_kill ", StringComparison.Ordinal)
                && long.TryParse(line.AsSpan("oom_kill ".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var kills))
            {
                return kills;
            }
        }

        return null;
    }

    private static Func<long?> FindCounter()
    {
        var file = CounterFile((ProcFs.Read("/proc/self/cgroup") ?? "").Split('\n'), File.Exists) ?? "/proc/vmstat";
        return () => KillsIn(ProcFs.Read(file));
    }
}
