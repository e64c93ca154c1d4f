extern alias tool;

using System.Text;
using KestrelGreenTransport.Supervisor.Building;
using tool::KestrelGreenTransport.Tool;

namespace FunctionalTests.Harness;

/// <summary>
/// A <c>green</c> command that the tests' own process runs: the same command line, client and messages. A process of its own would
/// take 0.4 s of processor time to start; <c>green run</c> and the walks through the manual start it.
/// </summary>
internal sealed class GreenCommand : IAsyncDisposable
{
    private readonly string _commandLine;
    private readonly List<(bool IsError, string Text)> _lines = [];
    private readonly int _code;

    private GreenCommand(string[] arguments, string runtimeDirectory)
    {
        _commandLine = $"green {string.Join(' ', arguments)}";
        var folder = Path.GetTempPath();
        _code = GreenCommandLine.Invoke(arguments, new ToolHost
        {
            Out = new LineWriter(text => _lines.Add((false, text))),
            Error = new LineWriter(text => _lines.Add((true, text))),
            Environment = new Dictionary<string, string> { ["RUNTIME_DIRECTORY"] = runtimeDirectory },
            CurrentDirectory = folder,
            IsLinux = true,
            ControlDirectory = runtimeDirectory,
            IsTerminal = false,
            Width = 100,
            Apps = new AppResolver(folder, dotnet: null, new NoPrograms()),
            Run = static _ => throw new NotSupportedException("green run needs a process of its own."),
        });
    }

    /// <summary>What it has written to both streams, in order.</summary>
    public string Output => string.Join('\n', _lines.Select(static line => line.Text));

    public IReadOnlyList<string> OutputLines => [.. _lines.Where(static line => !line.IsError).Select(static line => line.Text)];

    /// <summary>Runs the command to its end, on a thread of its own since commands block.</summary>
    public static Task<GreenCommand> Run(string[] arguments, string runtimeDirectory) =>
        Task.Factory.StartNew(
            () => new GreenCommand(arguments, runtimeDirectory), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(Eventually.Limit);

    /// <summary>The exit code.</summary>
    public Task<int> Exit() => Task.FromResult(_code);

    public string Describe() => $"$ {_commandLine}\n[exit code {_code}]\n{Output}";

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class LineWriter(Action<string> add) : TextWriter
    {
        private readonly StringBuilder _line = new();

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value)
        {
            if (value != '\n')
            {
                _line.Append(value);
                return;
            }

            add(_line.ToString());
            _line.Clear();
        }
    }

    private sealed class NoPrograms : ICommandRunner
    {
        public CommandResult Run(string fileName, IReadOnlyList<string> arguments, string workingDirectory, bool capture) =>
            throw new NotSupportedException($"a command that starts {fileName} needs a process of its own.");
    }
}
