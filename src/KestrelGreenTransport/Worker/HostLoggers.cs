using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// The worker's logger, which outlives each of its hosts: it writes to the host added last and not yet removed. Messages
/// logged before the first host is added wait for it.
/// </summary>
internal sealed class HostLoggers : ILogger
{
    // Only a few lines are logged before there is a host.
    private const int MostWaiting = 100;

    private readonly Lock _lock = new();
    private readonly Queue<Action<ILogger>> _waiting = new();
    private ImmutableArray<ILogger> _hosts = [];

    public void Add(ILogger host)
    {
        lock (_lock)
        {
            _hosts = _hosts.Add(host);
            while (_waiting.TryDequeue(out var write))
            {
                write(host);
            }
        }
    }

    public void Remove(ILogger host)
    {
        lock (_lock)
        {
            _hosts = _hosts.Remove(host);
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => _hosts is not [.., var last] || last.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (_hosts is [.., var last])
        {
            last.Log(logLevel, eventId, state, exception, formatter);
            return;
        }

        lock (_lock)
        {
            if (_waiting.Count < MostWaiting)
            {
                _waiting.Enqueue(logger => logger.Log(logLevel, eventId, state, exception, formatter));
            }
        }
    }
}
