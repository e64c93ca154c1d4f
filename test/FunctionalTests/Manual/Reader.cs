using System.Globalization;
using System.Text.RegularExpressions;
using FunctionalTests.Harness;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Manual;

/// <summary>
/// A user who reads pages of the manual and types what they say, in their own folder and with <c>green</c> on the path. A command
/// must exit with 0, or keep running if it is one that does, and print what the page shows: the same words, with different figures
/// and paths. When a page shows a process id and types it later, the actual one is typed.
/// </summary>
internal sealed partial class Reader : IAsyncDisposable
{
    // The project is built first.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(5);

    private readonly TemporaryFolder _home = new();
    private readonly List<(string Shown, string Here)> _here = [];
    private readonly Dictionary<string, string> _known = [];
    private readonly Dictionary<string, string?> _environment;
    private readonly List<ChildProgram> _running = [];
    private readonly string _name;

    // What the user's shell remembers: its folder and exported variables.
    private string _before = "";

    /// <param name="name">The name of the supervisor on the pages.</param>
    /// <param name="environment">Variables of the shell.</param>
    public Reader(string name, params (string Name, string Value)[] environment)
    {
        _name = name;
        Directory.CreateDirectory(Runtime);
        Program("green", $"exec dotnet {Repo.Green} \"$@\"");
        _environment = new()
        {
            ["PATH"] = $"{_home.File("bin")}:{Environment.GetEnvironmentVariable("PATH")}",
            ["RUNTIME_DIRECTORY"] = Runtime,
            ["CONFIGURATION"] = Repo.Configuration,
            ["TERM"] = "xterm",
        };
        foreach (var (variable, value) in environment)
        {
            _environment[variable] = value;
        }
    }

    /// <summary>The program that was started last and is still running.</summary>
    public ChildProgram Running => _running[^1];

    private string Runtime => _home.File("run");

    public string File(string name) => _home.File(name);

    /// <summary>Replaces a text that the pages show by another one.</summary>
    public void Here(string shown, string here) => _here.Insert(0, (shown, here));

    /// <summary>The actual process id for one that a page shows.</summary>
    public int Pid(string shown) => int.Parse(_known[shown], CultureInfo.InvariantCulture);

    /// <summary>Puts a program on the path.</summary>
    public void Program(string name, string script)
    {
        Directory.CreateDirectory(_home.File("bin"));
        var path = _home.File($"bin/{name}");
        System.IO.File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        System.IO.File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }

    public Task<StatusDocument> Status() => Harness.ControlClient.Status(Path.Combine(Runtime, $"{_name}.sock"));

    public Task<StatusDocument> StatusWhen(string what, Func<StatusDocument, bool> satisfies) =>
        Eventually.Get(what, Status, satisfies, () => string.Join('\n', _running.Select(static program => program.Describe())));

    public Task<StatusDocument> Serving(int workers) => StatusWhen(
        $"{workers} workers serve",
        status => status.State == SupervisorPhase.Running && status.Workers.Count == workers && status.Workers.All(static worker => worker.State == WorkerPhase.Serving));

    public async Task<Target> Target() => Harness.Target.Parse((await Status()).Listeners[0].Endpoint);

    /// <summary>Types each command of a block.</summary>
    public async Task Type(Block block)
    {
        foreach (var (command, shown) in block.Commands)
        {
            await Type(command, shown);
        }
    }

    /// <summary>Types one command; returns what it printed so far.</summary>
    /// <param name="command">As on the page.</param>
    /// <param name="shown">The output that the page shows.</param>
    /// <param name="code">The expected exit code.</param>
    public async Task<string> Type(string command, string[]? shown = null, int code = 0)
    {
        var typed = Translate(command);
        if (command.StartsWith("green top", StringComparison.Ordinal))
        {
            return await TypeOnTerminal(typed);
        }

        var stays = Stays().IsMatch(command) && code == 0;
        var program = ChildProgram.Start("bash", ["-c", $"{_before}{(stays ? "exec " : "")}{typed}"], _environment, _home.Path);
        if (stays)
        {
            _running.Add(program);
            await Eventually.True("the output has the shape that the page shows", () => Learn(shown ?? [], program), program.Describe);
            if (command.StartsWith("green run", StringComparison.Ordinal))
            {
                var status = await Eventually.Get(
                    "it runs", async () => program.HasEnded ? null : await Status(), static status => status is null or { State: SupervisorPhase.Running }, program.Describe, StartLimit);
                Assert.True(status is not null, program.Describe());
            }

            return program.Output;
        }

        await using var ended = program;
        Assert.True(await program.Exit() == code, program.Describe());
        Assert.True(Learn(shown ?? [], program), $"The page shows:\n{string.Join('\n', shown ?? [])}\n{program.Describe()}");
        if (Remembered().IsMatch(command))
        {
            _before += $"{typed}\n";
        }

        return program.Output;
    }

    /// <summary>The user presses Ctrl+C: the kernel sends INT to the foreground processes.</summary>
    public async Task PressControlC(int code = 0)
    {
        Kernel.Signal(-Running.Pid, Kernel.SIGINT);
        await Ended(code);
    }

    /// <summary>Waits until the running program and everything that it started has exited; a supervisor leaves nothing behind.</summary>
    public async Task Ended(int code = 0)
    {
        Assert.True(await Running.Exit() == code, Running.Describe());
        Assert.Empty(Running.Living.Select(Kernel.CommandLine));
        _running.RemoveAt(_running.Count - 1);
        if (_running.Count == 0)
        {
            Assert.Empty(Directory.EnumerateFileSystemEntries(Runtime));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var program in Enumerable.Reverse(_running))
        {
            await program.DisposeAsync();
        }

        _home.Dispose();
    }

    private async Task<string> TypeOnTerminal(string typed)
    {
        using var terminal = new Terminal();
        terminal.Resize(24, 80);
        await using var program = ChildProgram.Start("sh", terminal.Run("sh", "-c", $"{typed}; echo left with $?"), _environment, _home.Path);
        await Eventually.True("it shows the workers", () => terminal.Screen.Contains("serving", StringComparison.Ordinal), () => terminal.Screen);
        terminal.Type("q");
        await Eventually.True("it has left", () => terminal.Screen.Contains("left with 0", StringComparison.Ordinal), () => terminal.Screen);
        return terminal.Screen;
    }

    private string Translate(string text)
    {
        foreach (var (shown, here) in _here)
        {
            text = text.Replace(shown, here, StringComparison.Ordinal);
        }

        return Number().Replace(text, number => _known.GetValueOrDefault(number.Value, number.Value));
    }

    /// <summary>Whether lines like the page's were printed in that order. Remembers each process id in them.</summary>
    private bool Learn(string[] shown, ChildProgram program)
    {
        var lines = new Queue<string>(program.Output.Split('\n'));
        foreach (var expected in shown.Where(static line => line != "..."))
        {
            var pattern = new Regex($"^{Part().Replace(Regex.Escape(Translate(expected)), static part =>
                part.Groups["url"].Success ? @"https?://\S+"
                : part.Groups["path"].Success ? @"\S+"
                : part.Groups["space"].Success ? " +"
                : @"[\d.:-]*\d")}$");
            while (lines.Count > 0 && !pattern.IsMatch(lines.Peek()))
            {
                lines.Dequeue();
            }

            if (!lines.TryDequeue(out var line))
            {
                return false;
            }

            // Both lines have the same words, so their figures are in the same order.
            foreach (var (there, here) in Figures(expected).Zip(Figures(line)))
            {
                if (there.Length >= 4)
                {
                    _known[there] = here;
                }
            }
        }

        return true;

        static IEnumerable<string> Figures(string line) => Number().Matches(Url().Replace(line, "")).Select(static match => match.Value);
    }

    [GeneratedRegex(@"^(green run|dotnet run|green logs .*-f)\b")]
    private static partial Regex Stays();

    [GeneratedRegex("^(cd|export) ")]
    private static partial Regex Remembered();

    [GeneratedRegex(@"(?<![\w.:/-])\d+(?![\w.:/-])")]
    private static partial Regex Number();

    [GeneratedRegex(@"https?://\S+|(?<!\w)[~/]\S+")]
    private static partial Regex Url();

    // In an escaped text: a space is "\ ", a dot "\.".
    [GeneratedRegex(@"(?<url>https?://(?:(?!\\ ).)+)|(?<path>(?<!\w)[~/](?:(?![)\s]|\\ |\\\)).)+)|(?<space>(?:\\ )+)|(?<number>\d(?:[\d:-]|\\\.\d)*)")]
    private static partial Regex Part();
}
