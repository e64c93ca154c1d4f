namespace KestrelGreenTransport.Binding;

/// <summary>Why this host stops, as far as it is known: a DI singleton.</summary>
internal sealed class StopCause
{
    private volatile bool _isTold;
    private volatile bool _isOwners;

    /// <summary>A signal or the supervisor said so: the process leaves, and its clients have to go elsewhere.</summary>
    public bool IsTold => _isTold;

    /// <summary>The code that owns the host stops it (StopAsync) and goes on: another host may follow in this process.</summary>
    public bool IsOwners => _isOwners;

    public void Tell() => _isTold = true;

    public void Own() => _isOwners = true;
}
