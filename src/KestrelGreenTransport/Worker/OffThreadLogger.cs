using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// Logs from the thread pool. A provider may block (a console whose pipe nobody reads), and the beat thread must not:
/// its silence would be taken for the whole worker's.
/// </summary>
internal sealed class OffThreadLogger(ILogger logger) : ILogger
{
    // A provider that throws, or is disposed by now: on the beat thread, or out of a work item, that would end the process.
    private readonly ILogger _logger = logger.Guarded();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => _logger.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (_logger.IsEnabled(logLevel))
        {
            ThreadPool.UnsafeQueueUserWorkItem(Write, (_logger, logLevel, eventId, state, exception, formatter), preferLocal: false);
        }
    }

    private static void Write<TState>(
        (ILogger Logger, LogLevel Level, EventId Id, TState State, Exception? Exception, Func<TState, Exception?, string> Formatter) entry) =>
        entry.Logger.Log(entry.Level, entry.Id, entry.State, entry.Exception, entry.Formatter);
}
