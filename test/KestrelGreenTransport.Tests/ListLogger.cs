using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Tests;

/// <summary>Keeps the ids and texts of all log messages.</summary>
internal sealed class ListLogger : ILogger
{
    private readonly ConcurrentQueue<(int Id, string Text)> _entries = new();

    public IReadOnlyList<int> Ids => [.. _entries.Select(entry => entry.Id)];

    public IReadOnlyList<string> Texts => [.. _entries.Select(entry => entry.Text)];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _entries.Enqueue((eventId.Id, formatter(state, exception)));
}
