using System.Collections.Concurrent;
using System.Globalization;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Dumps;

/// <summary>
/// Writes the stacks of workers to files, on a thread of its own: a process may take seconds to write its stacks, and the
/// disk may be as slow.
/// </summary>
internal sealed class Dumper : IDisposable
{
    /// <summary>How long a process may take to write its stacks.</summary>
    public static readonly TimeSpan StacksLimit = TimeSpan.FromSeconds(10);

    /// <summary>How long a dump with memory may take.</summary>
    public static readonly TimeSpan DumpLimit = TimeSpan.FromSeconds(60);

    // The limit for a report; a thousand threads with fifty frames each take about 15 MB.
    private const ulong LargestReport = 64 * 1024 * 1024;

    private readonly string _reports;
    private readonly string _ports;
    private readonly uint _user;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly BlockingCollection<Action> _requests = [];
    private readonly Thread _thread;
    private int _number;

    /// <param name="reports">A folder that the workers' user may write to: each worker leaves its report there for us to read.</param>
    /// <param name="ports">Where the workers' runtimes open their diagnostics ports: their TMPDIR.</param>
    /// <param name="user">The user that the workers run as.</param>
    /// <param name="logger">Logs what was kept, or why nothing was.</param>
    /// <param name="time">The clock for the files' names.</param>
    public Dumper(string reports, string ports, uint user, ILogger logger, TimeProvider time)
    {
        _reports = reports;
        _ports = ports;
        _user = user;
        _logger = logger;
        _time = time;
        _thread = new Thread(Run) { IsBackground = true, Name = "green-dump" };
        _thread.Start();
    }

    /// <summary>Dumps a worker; <paramref name="done"/> is called on the dumper's thread with the files, or with what went wrong.</summary>
    public void Dump(DumpRequest request, Action<DumpResult> done)
    {
        if (!_requests.IsAddingCompleted)
        {
            _requests.Add(() => done(Dump(request)));
        }
    }

    public void Dispose()
    {
        _requests.CompleteAdding();

        // A process that does not answer, or a disk that stalls, must not keep the supervisor from exiting.
        if (_thread.Join(TimeSpan.FromSeconds(1)))
        {
            _requests.Dispose();
        }
    }

    private void Run()
    {
        foreach (var request in _requests.GetConsumingEnumerable())
        {
            request();
        }
    }

    private DumpResult Dump(DumpRequest request)
    {
        try
        {
            request.Begins();
            var result = Write(request);
            if (result.Error is { } error)
            {
                SupervisorLog.StacksNotKept(_logger, request.Index, request.Pid, error);
            }
            else if (result.Files.Count > 0)
            {
                SupervisorLog.StacksKept(_logger, request.Index, request.Pid, string.Join(" and ", result.Files));
            }

            return result;
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            SupervisorLog.StacksNotKept(_logger, request.Index, request.Pid, failed.Message);
            return new DumpResult([], null, failed.Message);
        }
    }

    private DumpResult Write(DumpRequest request)
    {
        var at = _time.GetUtcNow();
        var files = new List<string>();
        var (text, error) = Stacks(request, at);
        if (text is not null && request.Folder is { } folder)
        {
            var file = folder.FileFor(request.Index, request.Pid, at, "stacks.txt");
            folder.Write(file, text);
            files.Add(file);
        }

        if (request is { Kind: not GreenDumpKind.Stacks, Folder: { } dumps })
        {
            dumps.MakeForRuntime();
            var file = dumps.FileForRuntime(request.Index, request.Pid, at, "dmp");
            error = new DiagnosticsPort(request.Pid, _user, _ports).WriteDump(file, request.Kind, DumpLimit) ?? error;
            dumps.Prune();
            if (dumps.Has(file))
            {
                files.Add(file);
            }
        }

        return new DumpResult(files, text, error);
    }

    private (string? Text, string? Error) Stacks(DumpRequest request, DateTimeOffset at)
    {
        var path = Path.Combine(_reports, string.Create(CultureInfo.InvariantCulture, $"stacks-{++_number}"));
        var report = DiagnosticsPort.ReportFile(path);
        try
        {
            if (new DiagnosticsPort(request.Pid, _user, _ports).WriteReport(path, StacksLimit) is { } error)
            {
                return (null, error);
            }

            var heading = FormattableString.Invariant($"worker {request.Index} (pid {request.Pid}), {at:yyyy-MM-dd HH:mm:ss.fff}Z: {request.Why}");
            var text = Read(report) is { } json ? StackReport.Render(json, [heading]) : null;
            return (text, text is null ? $"the runtime's report {report} cannot be read" : null);
        }
        finally
        {
            _ = Posix.unlink(report);
        }
    }

    // The workers' user may write to that folder: so no link is followed, only a regular file of that user is read, and only up to
    // the size limit of a report.
    private byte[]? Read(string path)
    {
        if (!RecordFile.OpenForReading(path, out var file).Ok || file is null)
        {
            return null;
        }

        using (file)
        {
            if (LibcFiles.StatusOf(file) is not { Type: LibcFiles.S_IFREG, stx_size: > 0 and <= LargestReport } status || status.stx_uid != _user)
            {
                return null;
            }

            var bytes = new byte[status.stx_size];
            var read = 0;
            while (read < bytes.Length && RecordFile.Read(file, bytes.AsSpan(read), read) is { Ok: true, Value: > 0 and var count })
            {
                read += (int)count;
            }

            return bytes[..read];
        }
    }
}

/// <summary>Which worker to dump, how, and why.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="Kind">What to write besides the stacks; anything but stacks needs a folder.</param>
/// <param name="Why">The report's heading.</param>
/// <param name="Folder">Where files are kept; null to keep none.</param>
internal sealed record DumpRequest(int Index, int Pid, GreenDumpKind Kind, string Why, DumpFolder? Folder)
{
    /// <summary>Called on the dumper's thread when it starts on this request.</summary>
    public Action Begins { get; init; } = static () => { };
}

/// <summary>The result of a dump.</summary>
/// <param name="Files">The files that were kept.</param>
/// <param name="Text">The stacks; null if there are none.</param>
/// <param name="Error">What went wrong; null if nothing did.</param>
internal sealed record DumpResult(IReadOnlyList<string> Files, string? Text, string? Error);
