using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport;

/// <summary>
/// Calls code that is not ours: loggers, listeners of the meter, callbacks of the app. Exceptions end here: on a thread or a
/// timer of ours they would end the process, and in the middle of an accept or a drain they would cut it short.
/// </summary>
internal static class ForeignCode
{
    /// <param name="code">The code to call.</param>
    /// <param name="state">Passed to it.</param>
    /// <param name="failed">Gets the exception, if it can be reported.</param>
    public static void Run<TState>(Action<TState> code, TState state, Action<TState, Exception>? failed = null)
    {
        try
        {
            code(state);
        }
        catch (Exception exception)
        {
            try
            {
                failed?.Invoke(state, exception);
            }
            catch (Exception)
            {
                // The code that reports it is foreign, too. There is nowhere left to report to.
            }
        }
    }

    /// <summary>The same logger, but its calls never throw.</summary>
    public static ILogger Guarded(this ILogger logger) => logger as GuardedLogger ?? new GuardedLogger(logger);

    private sealed class GuardedLogger(ILogger logger) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            try
            {
                return logger.BeginScope(state);
            }
            catch (Exception)
            {
                return null;
            }
        }

        public bool IsEnabled(LogLevel logLevel)
        {
            try
            {
                return logger.IsEnabled(logLevel);
            }
            catch (Exception)
            {
                return false;
            }
        }

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            try
            {
                logger.Log(logLevel, eventId, state, exception, formatter);
            }
            catch (Exception)
            {
                // There is nowhere else to report it.
            }
        }
    }
}
