using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Tool.Tests;

/// <summary>The tool in an environment of the test's own.</summary>
public abstract class ToolFixture : IDisposable
{
    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();

    private protected string Folder { get; } = Directory.CreateTempSubdirectory("green-tool-").FullName;

    /// <summary>The plan that was run, if any.</summary>
    private protected LaunchPlan? Ran { get; private set; }

    private protected Dictionary<string, string> Environment { get; } = [];

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected ToolHost Host() => new()
    {
        Out = _out,
        Error = _error,
        Environment = Environment,
        CurrentDirectory = Folder,
        IsLinux = true,
        ControlDirectory = Folder,
        IsTerminal = false,
        Width = 100,
        Apps = new AppResolver(Folder, "/usr/bin/dotnet", new NoCommands()),
        // The answering process is this one, which does not exit after a stop.
        Connect = static path => new ControlClient(path, TimeProvider.System, TimeSpan.FromSeconds(30)) { LeaveLimit = TimeSpan.Zero },
        Wait = static _ => { },
        Run = plan =>
        {
            Ran = plan;
            return 42;
        },
    };

    private protected Outcome Green(params string[] arguments) => Green(Host(), arguments);

    /// <summary>Runs the command line; paths in the test's folder are shown as FOLDER.</summary>
    private protected Outcome Green(ToolHost host, params string[] arguments)
    {
        var code = GreenCommandLine.Invoke(arguments, host);
        var outcome = new Outcome(code, Take(_out), Take(_error));
        return outcome;

        string Take(StringWriter writer)
        {
            var text = writer.ToString().Replace(Folder, "FOLDER", StringComparison.Ordinal);
            writer.GetStringBuilder().Clear();
            return text;
        }
    }

    private protected void Write(string path, string text)
    {
        path = Path.Combine(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Puts a runnable Shop.dll into the folder: this test program itself.</summary>
    private protected void InstallShop()
    {
        var app = typeof(ToolFixture).Assembly.Location;
        File.Copy(app, Path.Combine(Folder, "Shop.dll"));
        File.Copy(Path.ChangeExtension(app, ".runtimeconfig.json"), Path.Combine(Folder, "Shop.runtimeconfig.json"));
    }

    internal sealed record Outcome(int Code, string Out, string Error);

    private sealed class NoCommands : ICommandRunner
    {
        public CommandResult Run(string fileName, IReadOnlyList<string> arguments, string workingDirectory, bool capture) =>
            throw new InvalidOperationException($"nothing should run {fileName}");
    }
}
