using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>
/// Every listening socket that the supervisor holds: those that it was told to bind, which each worker is born with,
/// and those that workers asked for. Readable from any thread; whoever looks has a snapshot.
/// </summary>
internal sealed class ListenerSet(ImmutableArray<BoundListener> given) : IDisposable
{
    private ImmutableArray<BoundListener> _asked = [];
    private volatile bool _isLetGo;

    /// <summary>What the operator asked for; the same for the supervisor's whole life.</summary>
    public ImmutableArray<BoundListener> Given => given;

    public ImmutableArray<BoundListener> All => [.. given, .. _asked];

    public void Add(BoundListener listener) => ImmutableInterlocked.Update(ref _asked, static (all, one) => all.Add(one), listener);

    /// <summary>Closes a socket that was asked for: from now on its clients are refused.</summary>
    public void Close(BoundListener listener)
    {
        ImmutableInterlocked.Update(ref _asked, static (all, one) => all.Remove(one), listener);
        listener.Close();
    }

    /// <summary>They are another supervisor's from now on: what is closed here loses no file.</summary>
    public void LetGo() => _isLetGo = true;

    /// <summary>They are ours from now on, with their files.</summary>
    public void TakeOver() => _isLetGo = false;

    public void Dispose()
    {
        foreach (var listener in All)
        {
            listener.Dispose(keepPath: _isLetGo);
        }
    }
}
