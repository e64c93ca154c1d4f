using System.Text;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// Where control sockets live. Supervisor and client ask here and nowhere else, so they cannot disagree.
/// </summary>
internal static class ControlPaths
{
    public const string Extension = ".sock";

    /// <summary>The longest path that the kernel takes for a Unix socket (sun_path, without its closing NUL).</summary>
    public const int LongestPath = 107;

    /// <summary>The run-time directory of this process's user.</summary>
    public static string Directory() => Directory(Environment.GetEnvironmentVariable, Libc.geteuid());

    /// <summary>The run-time directory: the service manager's, else the session's, else one of the user's own.</summary>
    public static string Directory(Func<string, string?> variable, uint user)
    {
        // systemd gives several RuntimeDirectory= entries separated by colons; the first one is ours.
        var runtime = variable("RUNTIME_DIRECTORY")?.Split(':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (runtime is [var first, ..])
        {
            return first;
        }

        // Root has it from another user's session, by sudo -E: that user could put anything there.
        if (user != 0 && variable("XDG_RUNTIME_DIR") is { Length: > 0 } session)
        {
            return Path.Combine(session, "green");
        }

        return user == 0 ? "/run/green" : $"/tmp/green-{user}";
    }

    public static string Socket(string directory, string name) => Path.Combine(directory, name + Extension);

    /// <summary>Whether the kernel takes this path: its limit counts bytes, not characters.</summary>
    public static bool Fits(string path) =>
        path.Length > 0 && !path.Contains('\0', StringComparison.Ordinal) && Encoding.UTF8.GetByteCount(path) <= LongestPath;

    /// <summary>The names of all instances that left a socket file here, living or stale, in order.</summary>
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
