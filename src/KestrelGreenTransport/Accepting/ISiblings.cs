namespace KestrelGreenTransport.Accepting;

/// <summary>The other processes that accept on the same sockets.</summary>
internal interface ISiblings
{
    /// <summary>Whether there can be any siblings, so that looking for them is worthwhile.</summary>
    bool MayExist { get; }

    /// <summary>The connections that this process holds itself, counted as the siblings count theirs.</summary>
    long Held { get; }

    /// <summary>The siblings that are serving and alive, as of the last tick. From any thread.</summary>
    SiblingFigures Look();

    /// <summary>Limits how long this process, from when it begins to serve, takes less than its share while it is slower than its siblings.</summary>
    void StartSlowly(TimeSpan longest)
    {
    }

    /// <summary>This process has accepted a connection: its siblings should see the new figures soon.</summary>
    void OnAccepted();

    /// <summary>A sibling has died; it may have taken the kernel's wake-up for a client with it. Raised on any thread, and quick.</summary>
    event Action? Died;
}

/// <param name="Count">How many are serving.</param>
/// <param name="Connections">How many connections they hold together.</param>
/// <param name="Fewest">The smallest number of connections that one of them holds.</param>
internal readonly record struct SiblingFigures(int Count, long Connections, long Fewest);

/// <summary>The siblings of a process that knows of none.</summary>
internal sealed class NoSiblings : ISiblings
{
    public event Action? Died
    {
        add { }
        remove { }
    }

    public bool MayExist => false;

    public long Held => 0;

    public SiblingFigures Look() => default;

    public void OnAccepted()
    {
    }
}
