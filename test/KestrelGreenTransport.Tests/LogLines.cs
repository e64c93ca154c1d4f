using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Tests;

/// <summary>Keeps all log messages.</summary>
internal sealed class LogLines : ILoggerProvider, ILoggerFactory
{
    private readonly ConcurrentQueue<(int Id, LogLevel Level, string Text)> _lines = new();
    private readonly ConcurrentQueue<(int Id, LogLevel Level, string Text)> _ofKestrel = new();

    /// <summary>Messages of Kestrel itself.</summary>
    public IEnumerable<string> OfKestrel => _ofKestrel.Select(static line => line.Text);

    public IEnumerable<(int Id, LogLevel Level, string Text)> All => _lines;

    public int Count(int id) => _lines.Count(line => line.Id == id);

    public ILogger CreateLogger(string categoryName) => new Logger(
        categoryName == Log.Category ? _lines : categoryName.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal) ? _ofKestrel : []);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private sealed class Logger(ConcurrentQueue<(int Id, LogLevel Level, string Text)> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue((eventId.Id, logLevel, formatter(state, exception)));
    }
}
