using System.Collections;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>How this program was started, to start it once more.</summary>
internal static class Self
{
    private const string Deleted = " (deleted)";

    /// <summary>The program's path. A file that was replaced since names the new one.</summary>
    /// <exception cref="IOException">It cannot be known here.</exception>
    public static string Program
    {
        get
        {
            var path = Environment.ProcessPath ?? throw new IOException("this program's own path is unknown: is /proc mounted?");
            return path.EndsWith(Deleted, StringComparison.Ordinal) ? path[..^Deleted.Length] : path;
        }
    }

    public static IReadOnlyList<string> Arguments => File.ReadAllText("/proc/self/cmdline").Split('\0')[1..^1];

    /// <summary>A copy of this process's environment.</summary>
    public static Dictionary<string, string> Variables()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry pair in Environment.GetEnvironmentVariables())
        {
            variables.Add((string)pair.Key, (string?)pair.Value ?? "");
        }

        return variables;
    }
}
