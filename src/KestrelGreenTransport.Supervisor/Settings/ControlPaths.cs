using System.Text;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// Where control sockets are. Supervisor and client both use this class, so they cannot disagree.
/// </summary>
internal static class ControlPaths
{
    public const string Extension = ".sock";

    /// <summary>The longest path that the kernel accepts for a Unix socket (sun_path, without its terminating NUL).</summary>
    public const int LongestPath = 107;

    /// <summary>The run-time directory of this process's user.</summary>
    public static string Directory() => Directory(Environment.GetEnvironmentVariable, Libc.geteuid());

    /// <summary>The run-time directory: the service manager's, else the session's, else one for this user.</summary>
    public static string Directory(Func<string, string?> variable, uint user)
    {
        // systemd separates several RuntimeDirectory= entries by colons; the first one is ours.
        var runtime = variable("RUNTIME_DIRECTORY")?.Split(':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (runtime is [var first, ..])
        {
            return first;
        }

        // With sudo -E root inherits it from another user's session, and that user could place anything there.
        if (user != 0 && variable("XDG_RUNTIME_DIR") is { Length: > 0 } session)
        {
            return Path.Combine(session, "green");
        }

        return user == 0 ? "/run/green" : $"/tmp/green-{user}";
    }

    public static string Socket(string directory, string name) => Path.Combine(directory, name + Extension);

    /// <summary>Whether the kernel accepts this path: its limit counts bytes, not characters.</summary>
    public static bool Fits(string path) =>
        path.Length > 0 && !path.Contains('\0', StringComparison.Ordinal) && Encoding.UTF8.GetByteCount(path) <= LongestPath;

    /// <summary>The names of all instances with a socket file here, living or stale, in order.</summary>
    public static IReadOnlyList<string> Names(string directory)
    {
        try
        {
            return
            [
                .. System.IO.Directory.EnumerateFiles(directory, "*" + Extension)
                    .Select(static path => Path.GetFileNameWithoutExtension(path))
                    .Order(StringComparer.Ordinal),
            ];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }
}
