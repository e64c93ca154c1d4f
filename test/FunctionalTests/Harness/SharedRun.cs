using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Harness;

/// <summary>
/// One supervisor for those tests of a class that leave it as they found it. A test takes it and gives it back, and both times every
/// worker must be serving and idle. What a failed test has left is not used again: the next test gets another supervisor.
/// </summary>
/// <param name="workers">How many workers it has whenever no test has taken it.</param>
public abstract class SharedRun(int workers) : IAsyncDisposable
{
    private GreenRun? _green;
    private bool _isTaken;

    /// <summary>The supervisor, with all workers serving and idle.</summary>
    internal async Task<GreenRun> Take()
    {
        if (_isTaken)
        {
            await _green!.DisposeAsync();
            _green = null;
        }

        _green ??= Start();
        _isTaken = true;
        await AtRest();
        return _green;
    }

    /// <summary>Ends the part of a test that succeeded.</summary>
    internal async Task GiveBack()
    {
        try
        {
            await AtRest();
        }
        catch (TimeoutException changed)
        {
            throw new InvalidOperationException($"This test did not leave the shared supervisor as it was, with all workers ({workers}) serving and idle.", changed);
        }

        _isTaken = false;
    }

    /// <summary>Stops the supervisor, of which no trace may be left.</summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        try
        {
            await using var green = _green;
            if (green is not null && !_isTaken)
            {
                await green.StopCleanly();
            }
        }
        finally
        {
            Clean();
        }
    }

    private protected abstract GreenRun Start();

    /// <summary>Deletes what the supervisor needed.</summary>
    private protected virtual void Clean()
    {
    }

    private Task<StatusDocument> AtRest() => _green!.StatusWhen(
        $"all workers ({workers}) serve and are idle",
        status => status.State == SupervisorPhase.Running && status.Workers.Count == workers
            && status.Workers.All(static worker => worker is { State: WorkerPhase.Serving, Connections: 0, RequestsInFlight: 0 }));
}
