namespace KestrelGreenTransport.Supervisor;

/// <summary>What a supervisor hands to its successor in an upgrade. Only its owner removes its files.</summary>
internal abstract class HandedOver
{
    private volatile bool _isOurs = true;

    /// <summary>Whether it belongs to this supervisor: not to its predecessor any more, nor to its successor yet.</summary>
    public bool IsOurs
    {
        get => _isOurs;
        protected init => _isOurs = value;
    }

    /// <summary>From now on it is ours.</summary>
    public virtual void TakeOver() => _isOurs = true;

    /// <summary>From now on it belongs to another supervisor.</summary>
    public virtual void LetGo() => _isOurs = false;
}
