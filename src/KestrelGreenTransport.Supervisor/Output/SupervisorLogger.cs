using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>
/// The supervisor's own log lines, on standard error by way of the writer that never waits, and into the journal. Its
/// thread must not stop for a log, which is why this is not one of the stock providers.
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

        // Some of it is another program's text, and a log file is read on a terminal too.
        var message = TerminalText.WithoutOrders(formatter(state, exception));
        var (worker, pid) = (Number(state, "Index"), Number(state, "Pid"));
        journal.AddEvent(logLevel, eventId, worker, pid, message);
        foreach (var line in format.OfEvent(time.GetLocalNow(), logLevel, eventId, worker, pid, message, exception))
        {
            writer.Write(OutputStream.Error, line);
        }
    }

    // What a message of ours is about stands in its values.
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
