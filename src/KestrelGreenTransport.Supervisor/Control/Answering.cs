namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>The servers that answer requests from outside. They start and end independently of the supervisor; once ended, none can start.</summary>
internal sealed class Answering : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<IDisposable> _servers = [];
    private bool _hasEnded;

    public void Begin(Func<IDisposable> make)
    {
        lock (_lock)
        {
            if (!_hasEnded)
            {
                _servers.Add(make());
            }
        }
    }

    /// <summary>Ends all of them, and waits until the last answer is written or given up.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _hasEnded = true;
            _servers.ForEach(static server => server.Dispose());
            _servers.Clear();
        }
    }
}
