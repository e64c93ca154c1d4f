using System.Diagnostics;
using System.Text.RegularExpressions;

namespace FunctionalTests.Harness;

/// <summary>
/// A program that a test started, in its own session, with its output captured line by line. The session and a mark in the
/// environment identify every descendant; disposing ends them all.
/// </summary>
internal sealed class ChildProgram : IAsyncDisposable
{
    /// <summary>The variable that identifies descendants.</summary>
    public const string MarkName = "FUNCTIONAL_TEST_MARK";

    private readonly Process _process;
    private readonly string _mark = $"{MarkName}={Guid.NewGuid():N}";
    private readonly List<(bool IsError, string Text)> _lines = [];
    private readonly Task _outputEnded;
    private readonly long _start;

    private ChildProgram(string program, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string?>>? environment, string? folder)
    {
        // setsid keeps the process id: processes that .NET starts never lead a group.
        var start = new ProcessStartInfo("setsid", [program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? Path.GetTempPath(),
        };

        // Variables of the user who runs the tests must not change what is tested.
        foreach (var name in start.Environment.Keys.Where(IsInTheWay).ToArray())
        {
            start.Environment.Remove(name);
        }

        // Builds must not leave servers behind for the next build: they would count as descendants.
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["UseSharedCompilation"] = "false";

        // Most programs end before profiling their methods pays off, or compiling one again that was called only thirty times. The
        // number is hexadecimal.
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_TC_CallCountThreshold"] = "1000";
        start.Environment[MarkName] = _mark[(MarkName.Length + 1)..];
        foreach (var (name, value) in environment ?? [])
        {
            start.Environment[name] = value;
        }

        Command = $"{program} {string.Join(' ', start.ArgumentList.Skip(1))}";
        _process = Process.Start(start)!;
        Pid = _process.Id;
        _start = Kernel.StartOf(Pid);
        _process.StandardInput.Close();
        _outputEnded = Task.WhenAll(Read(_process.StandardOutput, isError: false), Read(_process.StandardError, isError: true));
    }

    public string Command { get; }

    public int Pid { get; }

    /// <summary>What it has written to both streams so far, in order of arrival.</summary>
    public string Output => string.Join('\n', Snapshot().Select(static line => line.Text));

    public IReadOnlyList<string> OutputLines => [.. Snapshot().Where(static line => !line.IsError).Select(static line => line.Text)];

    public IReadOnlyList<string> ErrorLines => [.. Snapshot().Where(static line => line.IsError).Select(static line => line.Text)];

    /// <summary>Whether this program itself has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Whether this program and all its descendants have ended. Cheap while the program itself runs.</summary>
    public bool IsGone => _process.HasExited && Living.Count == 0;

    /// <summary>This program and its descendants that are still running. Looks at every process of the machine.</summary>
    public IReadOnlyList<int> Living => Kernel.ProcessesOf(_mark, session: Pid, since: _start);

    public static ChildProgram Start(
        string program,
        IEnumerable<string> arguments,
        IEnumerable<KeyValuePair<string, string?>>? environment = null,
        string? folder = null) => new(program, arguments, environment, folder);

    public static async Task<ChildProgram> Run(
        string program,
        IEnumerable<string> arguments,
        IEnumerable<KeyValuePair<string, string?>>? environment = null,
        string? folder = null)
    {
        var child = Start(program, arguments, environment, folder);
        try
        {
            await child.Exit();
            return child;
        }
        catch
        {
            // A program that does not end must not keep running beside the other tests.
            await child.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for the exit and all of the output. Returns the exit code, or 128 + the signal.</summary>
    public async Task<int> Exit(TimeSpan? limit = null)
    {
        var allowed = limit ?? Eventually.Limit;
        using var cancellation = new CancellationTokenSource(allowed);
        try
        {
            await _process.WaitForExitAsync(cancellation.Token);
            await _outputEnded.WaitAsync(cancellation.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Still there after {allowed.TotalSeconds} s: {Describe()}");
        }

        return _process.ExitCode;
    }

    /// <summary>Waits only for the program's own exit: descendants may keep running and hold its output.</summary>
    public async Task<int> ExitAlone()
    {
        using var cancellation = new CancellationTokenSource(Eventually.Limit);
        try
        {
            await _process.WaitForExitAsync(cancellation.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Still there: {Describe()}");
        }

        return _process.ExitCode;
    }

    public async Task<string> Line(string pattern) => (await Lines(pattern, 1))[0];

    /// <summary>Waits until this many lines match.</summary>
    public Task<List<string>> Lines(string pattern, int count, TimeSpan? limit = null)
    {
        var regex = new Regex(pattern, RegexOptions.CultureInvariant);
        return Eventually.Get(
            $"{count} lines like '{pattern}'",
            () => _process.HasExited && _outputEnded.IsCompleted && Matching(regex).Count < count
                ? throw new InvalidOperationException($"it ended with {_process.ExitCode}")
                : Task.FromResult(Matching(regex)),
            found => found.Count >= count,
            Describe,
            limit);
    }

    public string Describe() => $"$ {Command}\n{(_process.HasExited ? $"[exit code {_process.ExitCode}]" : $"[runs as {Pid}]")}\n{Output}";

    public async ValueTask DisposeAsync()
    {
        // A process that is being ended may be about to start another one.
        await Eventually.True(
            $"all processes of {Command} are gone",
            () =>
            {
                var living = Living;
                foreach (var pid in living)
                {
                    Kernel.KillIfAlive(pid);
                }

                return living.Count == 0;
            });
        _process.Dispose();
    }

    private static bool IsInTheWay(string name) =>
        name.StartsWith("GREEN_", StringComparison.Ordinal)
        || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal)
        || name.StartsWith("DOTNET_gc", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
        || name is "URLS" or "HTTP_PORTS" or "DOTNET_ENVIRONMENT" or "DOTNET_URLS" or "XDG_RUNTIME_DIR" or "RUNTIME_DIRECTORY" or "NO_COLOR";

    private List<string> Matching(Regex regex) => [.. Snapshot().Select(static line => line.Text).Where(text => regex.IsMatch(text))];

    private (bool IsError, string Text)[] Snapshot()
    {
        lock (_lines)
        {
            return [.. _lines];
        }
    }

    private async Task Read(StreamReader reader, bool isError)
    {
        while (await reader.ReadLineAsync() is { } text)
        {
            lock (_lines)
            {
                _lines.Add((isError, text));
            }
        }
    }
}
