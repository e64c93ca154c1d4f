using System.Text;
using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Runtime;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Tool.Rendering;

namespace KestrelGreenTransport.Tool;

/// <summary>The environment that the commands work in.</summary>
internal sealed record ToolHost
{
    /// <summary>Results, which a script may read.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Messages for a person.</summary>
    public required TextWriter Error { get; init; }

    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    public required string CurrentDirectory { get; init; }

    public required bool IsLinux { get; init; }

    /// <summary>Where control sockets are.</summary>
    public required string ControlDirectory { get; init; }

    /// <summary>Whether <see cref="Out"/> is a terminal.</summary>
    public required bool IsTerminal { get; init; }

    /// <summary>The terminal's width.</summary>
    public required int Width { get; init; }

    public required AppResolver Apps { get; init; }

    /// <summary>A client of the supervisor at this path.</summary>
    public Func<string, ControlClient> Connect { get; init; } = static path => new ControlClient(path);

    /// <summary>Waits between two polls.</summary>
    public Action<TimeSpan> Wait { get; init; } = static time => Task.Delay(time).Wait();

    /// <summary>Runs a plan to its end and returns the exit code.</summary>
    public required Func<LaunchPlan, int> Run { get; init; }

    public static ToolHost Current()
    {
        var environment = Self.Variables();
        var directory = RealPath.LogicalDirectory(System.Environment.CurrentDirectory, environment.GetValueOrDefault("PWD"));
        var isTerminal = !Console.IsOutputRedirected;
        return new ToolHost
        {
            Out = isTerminal ? new TerminalWriter(Plain(Console.OpenStandardOutput())) : Console.Out,
            Error = Console.IsErrorRedirected ? Console.Error : new TerminalWriter(Plain(Console.OpenStandardError())),
            Environment = environment,
            CurrentDirectory = directory,
            IsLinux = OperatingSystem.IsLinux(),
            ControlDirectory = OperatingSystem.IsLinux() ? ControlPaths.Directory() : Path.GetTempPath(),
            IsTerminal = isTerminal,
            Width = isTerminal && Console.WindowWidth >= 40 ? Console.WindowWidth : 100,
            Apps = new AppResolver(
                directory, DotnetHost.Find(System.Environment.ProcessPath, environment.GetValueOrDefault), new CommandRunner(environment)),
            Run = SupervisorHost.Run,
        };
    }

    // Console's own writers switch the terminal to another mode and do not restore it.
    private static StreamWriter Plain(Stream stream) => new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };

    /// <summary>Prints what went wrong, and returns the exit code.</summary>
    public int Fail(int exitCode, params IEnumerable<string> messages)
    {
        foreach (var message in messages)
        {
            Error.WriteLine($"green: {message}");
        }

        return exitCode;
    }
}
