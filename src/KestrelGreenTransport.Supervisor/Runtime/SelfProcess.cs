using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>What <see cref="SelfLauncher"/> must know about the process that it runs in.</summary>
internal sealed record SelfProcess
{
    /// <summary>Whether the environment makes this process a worker; throws <see cref="FormatException"/> if it is malformed.</summary>
    public required Func<bool> IsWorker { get; init; }

    public required CallOrigin Origin { get; init; }

    public required bool IsDebugged { get; init; }

    public required bool IsLinux { get; init; }

    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    public required string CurrentDirectory { get; init; }

    /// <summary>The executable: the app's own, or the dotnet host.</summary>
    public required string? Executable { get; init; }

    /// <summary>The managed file that was started: the first of the runtime's command line arguments.</summary>
    public required string ManagedFile { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>Runs a plan to its end and returns the exit code.</summary>
    public required Func<LaunchPlan, int> Run { get; init; }

    public static SelfProcess Current(CallOrigin origin, bool isDebugged)
    {
        var directory = RealPath.LogicalDirectory(System.Environment.CurrentDirectory, System.Environment.GetEnvironmentVariable("PWD"));
        return new SelfProcess
        {
            IsWorker = static () => WorkerContract.Current is not null,
            Origin = origin,
            IsDebugged = isDebugged,
            IsLinux = OperatingSystem.IsLinux(),
            Environment = Self.Variables(),
            CurrentDirectory = directory,
            Executable = System.Environment.ProcessPath is { } executable ? AsTyped(executable, directory) : null,
            ManagedFile = AsTyped(Path.GetFullPath(System.Environment.GetCommandLineArgs()[0]), directory),
            Error = Console.Error,
            Run = SupervisorHost.Run,
        };
    }

    // The kernel and the runtime report a file with links resolved, but the path as typed may lead to the next release.
    private static string AsTyped(string path, string directory)
    {
        if (!OperatingSystem.IsLinux())
        {
            return path;
        }

        var real = RealPath.Of(path);
        return File.ReadAllText("/proc/self/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .Select(argument => Path.GetFullPath(argument, directory))
            .FirstOrDefault(typed => RealPath.Of(typed) == real) ?? path;
    }
}
