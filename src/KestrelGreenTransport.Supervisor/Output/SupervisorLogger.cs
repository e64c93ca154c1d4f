using System.Globalization;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>
/// The supervisor's own log lines, on standard error by way of the writer that never waits. Its thread must not stop for
/// a log, which is why this is not one of the stock providers.
/// </summary>
internal sealed class SupervisorLogger(OutputWriter writer, TimeProvider time, LogLevel minimum = LogLevel.Information) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= minimum && logLevel != LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        var level = logLevel switch
        {
            LogLevel.Trace => "trce",
            LogLevel.Debug => "dbug",
            LogLevel.Information => "info",
            LogLevel.Warning => "warn",
            LogLevel.Error => "fail",
            _ => "crit",
        };
        var stamp = time.GetLocalNow().ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);
        foreach (var line in formatter(state, exception).Split('\n'))
        {
            writer.Write(OutputStream.Error, $"[green] {stamp} {level}: {line}");
        }

        if (exception is not null)
        {
            writer.Write(OutputStream.Error, exception.ToString());
        }
    }
}
