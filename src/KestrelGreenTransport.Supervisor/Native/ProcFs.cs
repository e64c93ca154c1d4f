using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>What /proc says about processes and sockets. Every answer is empty when the process is gone.</summary>
internal static class ProcFs
{
    private const string Listening = "0A";

    // getconf CLK_TCK has been 100 on every Linux that .NET supports.
    private const double TicksPerSecond = 100;

    /// <summary>Whether a process is stopped, or held by a debugger.</summary>
    public static bool IsStopped(int pid) => StateOf(pid) is 'T' or 't';

    /// <summary>The state letter of a process: R, S, D, T (stopped), t (traced), Z …; null when it is gone.</summary>
    public static char? StateOf(int pid) => StatOf(pid) is [[var state, ..], ..] ? state : null;

    /// <summary>Processor time used by a process, user and system together.</summary>
    public static double CpuSecondsOf(int pid) =>
        StatOf(pid) is { Length: > 12 } stat
            ? (long.Parse(stat[11], CultureInfo.InvariantCulture) + long.Parse(stat[12], CultureInfo.InvariantCulture)) / TicksPerSecond
            : 0;

    /// <summary>When a process was started, in the kernel's ticks since boot; null when it is gone.</summary>
    public static ulong? StartTicksOf(int pid) => StatOf(pid) is { Length: > 19 } stat ? ulong.Parse(stat[19], CultureInfo.InvariantCulture) : null;

    /// <summary>Resident memory of a process.</summary>
    public static long RssBytesOf(int pid) =>
        Read($"/proc/{pid}/statm")?.Split(' ') is [_, var pages, ..] ? long.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize : 0;

    /// <summary>Our own umask.</summary>
    public static int Umask() => OwnStatus("Umask:") is { } umask ? Convert.ToInt32(umask, 8) : 0x12; // 022, where the kernel does not say.

    /// <summary>The signals that we ignore, as a bit mask; the lowest bit is signal 1.</summary>
    public static ulong IgnoredSignals() => OwnStatus("SigIgn:") is { } mask ? ulong.Parse(mask, NumberStyles.HexNumber, CultureInfo.InvariantCulture) : 0;

    private static string? OwnStatus(string field) =>
        Read("/proc/self/status")?.Split('\n').FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal))?[field.Length..].Trim();

    /// <summary>When a process was started, by the wall clock.</summary>
    public static DateTime? StartedAtOf(int pid) =>
        StatOf(pid) is { Length: > 19 } stat && Read("/proc/uptime")?.Split(' ') is [var uptime, ..]
            ? TimeProvider.System.GetUtcNow().UtcDateTime
                - TimeSpan.FromSeconds(double.Parse(uptime, CultureInfo.InvariantCulture) - (long.Parse(stat[19], CultureInfo.InvariantCulture) / TicksPerSecond))
            : null;

    /// <summary>The file mappings of a process. A file that was replaced since is left out.</summary>
    public static IEnumerable<FileMapping> FileMappingsOf(int pid) => FileMappingsIn(Read($"/proc/{pid}/maps") ?? "");

    /// <summary>The same, in the text of a <c>maps</c> file.</summary>
    internal static IEnumerable<FileMapping> FileMappingsIn(string maps) =>
        from line in maps.Split('\n')
        let fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        where fields.Length == 6 && fields[5].StartsWith('/') && !fields[5].EndsWith(" (deleted)", StringComparison.Ordinal)
        select new FileMapping(fields[1], ulong.Parse(fields[4], CultureInfo.InvariantCulture), fields[5]);

    /// <summary>The inodes of all sockets that a process holds.</summary>
    public static IReadOnlySet<string> SocketInodesOf(int pid)
    {
        var inodes = new HashSet<string>();
        try
        {
            foreach (var descriptor in Directory.EnumerateFiles($"/proc/{pid}/fd"))
            {
                if (InodeOf(descriptor) is { } inode)
                {
                    inodes.Add(inode);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended while we looked, or it is another user's.
        }

        return inodes;
    }

    /// <summary>The TCP endpoint on which a process listens with a socket not in <paramref name="except"/>; null if there is none.</summary>
    public static string? OwnListenerOf(int pid, IReadOnlySet<string> except)
    {
        var listening = TcpListeners(pid);
        if (listening.Count == 0)
        {
            return null;
        }

        foreach (var inode in SocketInodesOf(pid))
        {
            if (!except.Contains(inode) && listening.FirstOrDefault(one => one.Inode == inode) is { } found)
            {
                return found.Endpoint.ToString();
            }
        }

        return null;
    }

    /// <summary>The process that holds an address we cannot bind: "nginx, pid 812"; null if unknown (another user's process, without root).</summary>
    public static string? HolderOf(ListenEndpoint endpoint)
    {
        var inodes = endpoint.UnixPath is { } path
            ? UnixListeners(path)
            : TcpListeners(Environment.ProcessId)
                .Where(one => one.Endpoint.Port == endpoint.IP!.Port && Overlap(one.Endpoint.Address, endpoint.IP.Address))
                .Select(static one => one.Inode);
        var wanted = inodes.ToHashSet();
        if (wanted.Count == 0)
        {
            return null;
        }

        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && SocketInodesOf(pid).Overlaps(wanted))
            {
                return $"{NameOf(pid)}, pid {pid}";
            }
        }

        return null;
    }

    /// <summary>Whether an open descriptor and a path refer to the same file.</summary>
    public static bool IsSameFile(SafeHandle file, string path) =>
        LibcFiles.StatusOf(file) is { } open
        && LibcFiles.StatusOf(path) is { } named
        && (open.stx_ino, open.stx_dev_major, open.stx_dev_minor) == (named.stx_ino, named.stx_dev_major, named.stx_dev_minor);

    /// <summary>The inode of a socket descriptor's link; null if it is not a socket.</summary>
    public static string? InodeOf(string descriptorLink)
    {
        try
        {
            var target = new FileInfo(descriptorLink).LinkTarget;
            return target is not null && target.StartsWith("socket:[", StringComparison.Ordinal) ? target[8..^1] : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool Overlap(IPAddress one, IPAddress other) =>
        one.Equals(other) || IsAny(one) || IsAny(other);

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    // The fields after the command's name, which stands in parentheses and may contain anything. The first field is the state.
    private static string[]? StatOf(int pid) =>
        Read($"/proc/{pid}/stat") is { } stat && stat.LastIndexOf(')') is > 0 and var close && close + 2 < stat.Length
            ? stat[(close + 2)..].Split(' ')
            : null;

    private static List<TcpListener> TcpListeners(int pid)
    {
        var listeners = new List<TcpListener>();
        foreach (var table in (ReadOnlySpan<string>)["tcp", "tcp6"])
        {
            foreach (var line in (Read($"/proc/{pid}/net/{table}") ?? "").Split('\n').Skip(1))
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields.Length > 9 && fields[3] == Listening)
                {
                    listeners.Add(new TcpListener(fields[9], ParseEndpoint(fields[1])));
                }
            }
        }

        return listeners;
    }

    // A process can choose any name, so control characters are replaced.
    private static string NameOf(int pid) =>
        Read($"/proc/{pid}/comm")?.Trim() is { } name ? string.Concat(name.Select(static c => char.IsControl(c) ? '?' : c)) : "?";

    private static IEnumerable<string> UnixListeners(string path) =>
        from line in (Read("/proc/net/unix") ?? "").Split('\n').Skip(1)
        let fields = line.Split(' ', 8, StringSplitOptions.RemoveEmptyEntries)
        where fields.Length == 8 && fields[7] == path
        select fields[6];

    // Addresses are 32-bit words in the machine's byte order, ports are plain hexadecimal.
    private static IPEndPoint ParseEndpoint(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var bytes = Convert.FromHexString(text.AsSpan(0, colon));
        if (BitConverter.IsLittleEndian)
        {
            for (var word = 0; word < bytes.Length; word += 4)
            {
                bytes.AsSpan(word, 4).Reverse();
            }
        }

        return new IPEndPoint(new IPAddress(bytes), int.Parse(text.AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private sealed record TcpListener(string Inode, IPEndPoint Endpoint);
}

/// <summary>
/// A mapping of a file into a process, from a line of <c>/proc/PID/maps</c>. Access looks like <c>r-xp</c>: read, write,
/// execute; private or shared.
/// </summary>
internal readonly record struct FileMapping(string Access, ulong Inode, string Path);
