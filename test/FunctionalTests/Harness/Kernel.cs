using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace FunctionalTests.Harness;

/// <summary>Signals, and information from /proc.</summary>
internal static partial class Kernel
{
    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGQUIT = 3;
    public const int SIGKILL = 9;
    public const int SIGUSR1 = 10;
    public const int SIGTERM = 15;
    public const int SIGCONT = 18;
    public const int SIGSTOP = 19;
    public const int SIGTTIN = 21;
    public const int SIGTTOU = 22;
    public const int SIGWINCH = 28;

    // Places of fields of /proc/PID/stat after the name.
    private const int State = 0;
    private const int Session = 3;
    private const int StartTime = 19;

    private const int ESRCH = 3;
    private const int RLIMIT_NOFILE = 7;

    /// <summary>Sends a signal. If the process is already gone this throws, because a test would not expect that.</summary>
    public static void Signal(int pid, int signal)
    {
        if (kill(pid, signal) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"kill {pid} with {signal}");
        }
    }

    /// <summary>Ends a process that may be gone already.</summary>
    public static void KillIfAlive(int pid)
    {
        if (kill(pid, SIGKILL) != 0 && Marshal.GetLastPInvokeError() is var error && error != ESRCH)
        {
            throw new Win32Exception(error, $"kill {pid}");
        }
    }

    /// <summary>Renames over another name in one step; a link is not followed.</summary>
    public static void Rename(string from, string to)
    {
        if (rename(from, to) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"rename {from} to {to}");
        }
    }

    /// <summary>Whether the process runs; a zombie does not.</summary>
    public static bool IsAlive(int pid)
    {
        var state = StateOf(pid);
        return state is not (null or 'Z' or 'X');
    }

    /// <summary>The letter of the process's state (R, S, T, Z …), or null if it is gone.</summary>
    public static char? StateOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>
    /// Sends SIGSTOP and waits until every thread has stopped: one thread takes the signal when it next gets a processor, and only then
    /// stops the rest. Until then the process still accepts clients, which then get no answer.
    /// </summary>
    public static Task Freeze(int pid)
    {
        Signal(pid, SIGSTOP);
        return Eventually.True($"process {pid} is stopped", () => IsStopped(pid));
    }

    private static bool IsStopped(int pid) =>
        Directory.EnumerateDirectories($"/proc/{pid}/task").All(static task =>
        {
            try
            {
                var stat = File.ReadAllText(Path.Combine(task, "stat"));
                return stat[stat.LastIndexOf(')') + 2] == 'T';
            }
            catch (IOException)
            {
                // It has ended in the meantime.
                return true;
            }
        });

    /// <summary>
    /// All running processes whose environment holds this entry (NAME=value), or that belong to this session: everything that a
    /// test started, at any depth. A process that writes its title over its environment (nginx) is found only by the session, one
    /// that began its own session (setsid) only by the entry. None of them is older than the session: the environments of the
    /// machine's other processes, which are most of them, are not read.
    /// </summary>
    /// <param name="entry">The entry of the environment.</param>
    /// <param name="session">The session.</param>
    /// <param name="since">When its leader started, as <see cref="StartOf"/> says.</param>
    public static IReadOnlyList<int> ProcessesOf(string entry, int session, long since)
    {
        var found = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && FieldsOf(pid) is { } fields
                && fields[State] is not ("Z" or "X")
                && long.Parse(fields[StartTime], CultureInfo.InvariantCulture) >= since
                && (int.Parse(fields[Session], CultureInfo.InvariantCulture) == session || ReadProc(pid, "environ").Split('\0').Contains(entry)))
            {
                found.Add(pid);
            }
        }

        return found;
    }

    /// <summary>When the process started, in the kernel's ticks since boot; 0 if it is gone.</summary>
    public static long StartOf(int pid) => FieldsOf(pid) is { } fields ? long.Parse(fields[StartTime], CultureInfo.InvariantCulture) : 0;

    /// <summary>The children of this process.</summary>
    public static List<int> ChildrenOf(int parent)
    {
        var children = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
            {
                continue;
            }

            try
            {
                var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                if (stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1] == $"{parent}")
                {
                    children.Add(pid);
                }
            }
            catch (IOException)
            {
                // It ended in the meantime.
            }
        }

        return children;
    }

    /// <summary>How many descriptors a process has open.</summary>
    public static int CountDescriptors(int pid) => Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Count();

    /// <summary>Limits the descriptor numbers that a running process gets from now on (its soft limit); returns the previous limit.</summary>
    public static unsafe int LimitDescriptors(int pid, int limit)
    {
        var bounds = stackalloc ulong[2];
        Check(prlimit(pid, RLIMIT_NOFILE, null, bounds));
        var before = (int)bounds[0];
        bounds[0] = (ulong)limit;
        Check(prlimit(pid, RLIMIT_NOFILE, bounds, null));
        return before;

        void Check(int returned)
        {
            if (returned != 0)
            {
                throw new Win32Exception(Marshal.GetLastPInvokeError(), $"prlimit {pid}");
            }
        }
    }

    public static string CommandLine(int pid) => ReadProc(pid, "cmdline").Replace('\0', ' ').Trim();

    // The fields after the name, which may contain any character. Null if the process is gone.
    private static string[]? FieldsOf(int pid)
    {
        var stat = ReadProc(pid, "stat");
        return stat.Length == 0 ? null : stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static string ReadProc(int pid, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/{file}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int prlimit(int pid, int resource, ulong* wanted, ulong* before);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rename(string from, string to);
}
