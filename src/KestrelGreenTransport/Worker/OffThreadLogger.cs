using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// Logs from the thread pool. A provider may block (a console whose pipe is not read), and the beat thread must not: its
/// silence would look like a hung worker.
/// </summary>
internal sealed class OffThreadLogger(ILogger logger) : ILogger
{
    // Guarded: an exception of a provider (it may be disposed) would end the process, on the beat thread or in a work item.
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
