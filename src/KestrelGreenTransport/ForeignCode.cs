using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport;

/// <summary>
/// Calls the code of others: loggers, listeners of the meter, callbacks of the app. Whatever it throws ends here, since on a
/// thread or a timer of ours it would end the process, and in the middle of an accept or a drain it would cut that short.
/// </summary>
internal static class ForeignCode
{
    /// <param name="code">What to call.</param>
    /// <param name="state">Handed to it.</param>
    /// <param name="failed">Is told what it threw, where that can be told.</param>
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
                // What was to tell of it is foreign code, too. There is nothing left to tell it to.
            }
        }
    }

    /// <summary>The same logger, of which no call throws.</summary>
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
                // There is no other place to report it to.
            }
        }
    }
}
