using System.Runtime.InteropServices;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Supervision;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.AccessLogging;

/// <summary>The access log of this process: where it goes by its settings, in which format, and when it is reopened.</summary>
internal sealed class AccessLog(IServiceProvider services, IOptions<GreenTransportOptions> options, WorkerFailure failure, ILoggerFactory loggers) : IDisposable
{
    // SIGUSR1 on every architecture that .NET supports.
    private const PosixSignal ReopenSignal = (PosixSignal)10;

    private readonly WorkerContract? _contract = services.GetService<WorkerContract>();
    private AccessLogWriter? _writer;
    private PosixSignalRegistration? _signal;

    // Not the app's TimeProvider, which may be a fake: these times are compared with those of other logs.
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public int? Worker => _contract?.Index;

    /// <summary>Opens it if one is configured; false if none is.</summary>
    /// <exception cref="IOException">It cannot be opened; the message names the setting and the next step.</exception>
    public bool Open()
    {
        if (options.Value.AccessLog is not { } place)
        {
            return false;
        }

        try
        {
            _writer ??= new AccessLogWriter(TargetOf(place), loggers.CreateLogger(Log.Category).Guarded());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var source = options.Value.Sources.TryGetValue(nameof(GreenTransportOptions.AccessLog), out var from) ? $", from {from}" : "";
            var message = $"AccessLog ('{place}'{source}) cannot be opened: {e.Message.TrimEnd('.')}. Its folder must exist, and the app's user must be allowed to write there.";
            failure.Report(ReportingOptionsFactory.WrongSetting, message);
            throw new IOException(message, e);
        }

        if (place != AccessLogPlace.StandardOutput && !OperatingSystem.IsWindows())
        {
            // What log rotation sends. A worker is told by its supervisor as well.
            _signal ??= PosixSignalRegistration.Create(ReopenSignal, signal =>
            {
                signal.Cancel = true;
                Reopen();
            });
        }

        return true;
    }

    public void Add(in AccessLogEntry entry) => _writer?.Append(AccessLogFormatter.Format(options.Value.AccessLogFormat, entry));

    /// <summary>Continues in the file that the path names now, soon. For any thread.</summary>
    public void Reopen() => _writer?.Reopen();

    /// <summary>Writes what is left.</summary>
    public void Dispose()
    {
        _signal?.Dispose();
        _writer?.Dispose();
    }

    private AccessLogTarget TargetOf(string place) => place switch
    {
        AccessLogPlace.StandardOutput when _contract?.AccessLogDescriptor is { } descriptor => AccessLogTarget.OfDescriptor(descriptor),
        AccessLogPlace.StandardOutput => AccessLogTarget.OfStandardOutput(),
        _ => AccessLogTarget.OfFile(place),
    };
}
