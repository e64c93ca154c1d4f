using System.Text.RegularExpressions;
using FunctionalTests.Harness;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Faults;

/// <summary>What a cluster at rest holds: its processes, their descriptors, its files.</summary>
internal static partial class FaultHoldings
{
    /// <summary>As text, so that two of them can be compared and the difference read.</summary>
    public static string Of(GreenRun green, StatusDocument status)
    {
        var workers = status.Workers.Select(static worker => worker.Pid!.Value).ToArray();
        var unknown = green.Process.Living.Except([status.SupervisorPid, .. workers]).Select(Kernel.CommandLine);
        var files = Directory.EnumerateFileSystemEntries(green.RuntimeDirectory, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(green.RuntimeDirectory, path))
            .Where(path => !IsOfTheCluster(path, green, status));

        // A worker's other descriptors belong to the app: assemblies, a log.
        var sockets = workers.Select(static pid => Descriptors(pid).Count(static one => one == "socket"));
        return $"""
            {workers.Length} workers with {string.Join(", ", sockets)} sockets
            the supervisor's descriptors: {Count(Descriptors(status.SupervisorPid))}
            other files: {string.Join(", ", files.Order())}
            other processes: {string.Join(", ", unknown)}
            """;
    }

    /// <summary>What it holds once that no longer changes: the connection of a recent status request counts as a socket.</summary>
    public static async Task<string> Settled(GreenRun green, StatusDocument status)
    {
        var (last, times) = ("", 0);
        return await Eventually.Get(
            "what the cluster holds changes no more",
            () =>
            {
                var now = Of(green, status);
                times = now == last ? times + 1 : 0;
                last = now;
                return Task.FromResult(now);
            },
            _ => times == 4);
    }

    /// <summary>Waits until it holds what it held before, and nothing else.</summary>
    public static async Task AssertSame(string before, GreenRun green, int workers, bool isOtherSupervisor)
    {
        var now = "";
        await Eventually.Get(
            "the cluster holds what it held before",
            async () => now = await Settled(green, await green.Serving(workers)),
            holdings => holdings == before || (isOtherSupervisor && holdings.Split('\n').Where(IsNotTheSupervisors).SequenceEqual(before.Split('\n').Where(IsNotTheSupervisors))),
            () => $"before:\n{before}\nnow:\n{now}");
    }

    /// <summary>The private directory in the run-time directory. After an upgrade the new one is beside the first, which keeps the name.</summary>
    public static string HeartbeatFolder(GreenRun green) =>
        Directory.EnumerateDirectories(green.RuntimeDirectory, $"green-*-{green.Name}*").Select(static path => Path.GetFileName(path)).MaxBy(static name => name.Length)!;

    /// <summary>The part that belongs to the workers: their files and the board.</summary>
    public static string WorkersFolder(GreenRun green) => Path.Combine(HeartbeatFolder(green), "workers");

    // A supervisor that has taken over holds its predecessor's sockets in other ways.
    private static bool IsNotTheSupervisors(string line) => !line.StartsWith("the supervisor", StringComparison.Ordinal);

    // It does not matter whether they exist: some faults delete them.
    private static bool IsOfTheCluster(string path, GreenRun green, StatusDocument status) =>
        path == $"{green.Name}.sock"
        || path == HeartbeatFolder(green)
        || HeartbeatFolder(green).StartsWith($"{path}.", StringComparison.Ordinal)
        || path == WorkersFolder(green)
        || path == Path.Combine(WorkersFolder(green), "board")
        || status.Workers.Any(worker => path == Path.Combine(WorkersFolder(green), $"worker-{worker.Index}.beat"));

    private static string Count(IEnumerable<string> kinds) =>
        string.Join(", ", kinds.CountBy(static kind => kind).OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => $"{pair.Value} {pair.Key}"));

    private static IEnumerable<string> Descriptors(int pid) =>
        Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd")
            .Select(static path => new FileInfo(path).LinkTarget)
            .OfType<string>()

            // Files on disk are the runtime's, which opens its own files at any time: assemblies, devices, /proc.
            .Where(static target => !target.StartsWith('/') || target.Contains("/green-", StringComparison.Ordinal))
            .Select(static target => target.Contains(".beat", StringComparison.Ordinal) ? "beat" : Numbers().Replace(target, "").Replace(" (deleted)", "", StringComparison.Ordinal));

    [GeneratedRegex(@":\[[0-9]+\]")]
    private static partial Regex Numbers();
}
