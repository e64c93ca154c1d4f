namespace KestrelGreenTransport.Binding;

/// <summary>Why this host stops, as far as known: a DI singleton.</summary>
/// <param name="isWorker">Whether the process is a supervisor's worker: its clients go to its siblings, whatever ends it.</param>
internal sealed class StopCause(bool isWorker = false)
{
    private volatile bool _isTold;
    private volatile bool _isOwners;

    /// <summary>A signal or the supervisor asked for it: the process exits, and its clients have to go elsewhere.</summary>
    public bool IsTold => _isTold;

    /// <summary>The code that owns the host stops it (StopAsync) and continues: another host may follow in this process.</summary>
    public bool IsOwners => _isOwners;

    /// <summary>
    /// Whether clients get time to come again and be told to go. A host that is stopped only by its own code, as in tests and
    /// tools, stops as quickly as with Kestrel's own transport.
    /// </summary>
    public bool Lingers => isWorker || _isTold;

    public void Tell() => _isTold = true;

    public void Own() => _isOwners = true;
}
