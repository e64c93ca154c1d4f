namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>What answers questions from outside. It begins and ends apart from the supervisor's own life, and ends once.</summary>
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

    /// <summary>Ends all of it, and waits until the last answer is written or given up.</summary>
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
