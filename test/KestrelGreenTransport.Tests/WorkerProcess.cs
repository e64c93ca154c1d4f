using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Tests;

/// <summary>TransportWorker as a child process, started through a shell script that may prepare limits, variables and descriptors.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private const string Serving = "serving ";

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private WorkerProcess(Process process) => _process = process;

    public Uri Address => _address.Task.Result;

    public string Output => string.Join('\n', _lines);

    /// <param name="prepare">Shell commands that run in the same process before the worker.</param>
    /// <param name="arguments">The worker's own arguments.</param>
    public static async Task<WorkerProcess> StartAsync(string prepare, string arguments)
    {
        var start = new ProcessStartInfo("/bin/bash")
        {
            ArgumentList = { "-c", $"{prepare}\nexec {Program()} {arguments}" },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var worker = new WorkerProcess(new Process { StartInfo = start, EnableRaisingEvents = true });
        worker._process.OutputDataReceived += (_, line) => worker.Read(line.Data);
        worker._process.ErrorDataReceived += (_, line) => worker.Read(line.Data);
        worker._process.Exited += (_, _) => worker._address.TrySetException(new InvalidOperationException($"The worker ended:\n{worker.Output}"));
        worker._process.Start();
        worker._process.BeginOutputReadLine();
        worker._process.BeginErrorReadLine();
        await Wait.ForAsync(worker._address.Task);
        return worker;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await Wait.ForAsync(_process.WaitForExitAsync());
        _process.Dispose();
    }

    // If the tests were published with a runtime, the worker's executable is beside them and uses that runtime. Otherwise the worker
    // runs under the dotnet that runs the tests, three folders above its shared framework.
    private static string Program()
    {
        var executable = Path.Combine(AppContext.BaseDirectory, "TransportWorker");
        var runtime = RuntimeEnvironment.GetRuntimeDirectory();
        return Path.TrimEndingDirectorySeparator(runtime) == Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)
            ? $"'{executable}'"
            : $"'{Path.GetFullPath(Path.Combine(runtime, "../../../dotnet"))}' exec '{executable}.dll'";
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        _lines.Enqueue(line);
        if (line.StartsWith(Serving, StringComparison.Ordinal))
        {
            _address.TrySetResult(new Uri(line[Serving.Length..].Split(' ')[0]));
        }
    }
}
