using System.Globalization;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Workers;

// The kernel counts an OOM kill before it sends the signal, so the count has grown by the time that the victim is reaped.
// Workers share the supervisor's control group, so its count includes theirs.

/// <summary>
/// Tells whether a worker that was killed from outside was killed by the OOM killer: by the kernel's count for
/// the control group, or for the whole machine if there is none. Used by one thread.
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

    /// <param name="kills">How many processes the OOM killer has killed so far; null if unknown.</param>
    internal OutOfMemoryWatch(Func<long?> kills)
    {
        _kills = kills;
        _seen = _atLastForget = kills() ?? 0;
    }

    /// <summary>Whether an OOM kill is left that explains a death. Each kill explains one death.</summary>
    public bool Explains()
    {
        if (_kills() is not { } kills || kills <= _seen)
        {
            return false;
        }

        _seen++;
        return true;
    }

    /// <summary>Called from time to time: a kill that was already counted at the previous call and explained no death hit another process.</summary>
    public void Forget()
    {
        _seen = Math.Max(_seen, _atLastForget);
        _atLastForget = _kills() ?? 0;
    }

    /// <summary>The file with a control group's OOM kill count, from the lines of <c>/proc/self/cgroup</c>; null if there is none.</summary>
    internal static string? CounterFile(IEnumerable<string> groups, Func<string, bool> exists)
    {
        foreach (var group in groups)
        {
            var parts = group.Split(':', 3);
            if (parts is [_, var controllers, var path])
            {
                // Version 2 has one hierarchy without a name, version 1 has one for memory. In a container the path may be
                // the host's, while the group is mounted at the root.
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

    /// <summary>The number after <c>oom_kill</c>; null if the text has none.</summary>
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
