using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>
/// Sends the supervisor's log to standard error, through the writer that never blocks, and into the journal. The supervisor's
/// thread must not wait for a log, so this is not one of the stock providers.
/// </summary>
internal sealed class SupervisorLogger(OutputWriter writer, LogFormat format, Journal journal, TimeProvider time) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Information and not LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        // It may contain another program's text, and log files are read on terminals too.
        var message = TerminalText.WithoutOrders(formatter(state, exception));
        var (worker, pid) = (Number(state, "Index"), Number(state, "Pid"));
        journal.AddEvent(logLevel, eventId, worker, pid, message);
        foreach (var line in format.OfEvent(time.GetLocalNow(), logLevel, eventId, worker, pid, message, exception))
        {
            writer.Write(OutputStream.Error, line);
        }
    }

    // The worker that a log message is about is among the message's values.
    private static int? Number<TState>(TState state, string name)
    {
        if (state is IReadOnlyList<KeyValuePair<string, object?>> values)
        {
            foreach (var (key, value) in values)
            {
                if (key == name && value is int number)
                {
                    return number;
                }
            }
        }

        return null;
    }
}
