namespace KestrelGreenTransport.Accepting;

/// <summary>The other processes that accept on the same sockets.</summary>
internal interface ISiblings
{
    /// <summary>Whether there can be any, so that it is worth to look.</summary>
    bool MayExist { get; }

    /// <summary>The connections that this process holds itself, counted as the siblings count theirs.</summary>
    long Held { get; }

    /// <summary>Those that serve and are alive, as they were within the last tick. From any thread.</summary>
    SiblingFigures Look();

    /// <summary>How long this process takes less than its share at most, from when it begins to serve, while it is slower than them.</summary>
    void StartSlowly(TimeSpan longest)
    {
    }

    /// <summary>This process has accepted a connection: its own figures are to be shown to the others soon.</summary>
    void OnAccepted();

    /// <summary>A sibling has died; it may have taken the kernel's wake-up for a client with it. Raised on any thread, and quick.</summary>
    event Action? Died;
}

/// <param name="Count">How many serve.</param>
/// <param name="Connections">What they hold together.</param>
/// <param name="Fewest">What the one that holds the fewest holds.</param>
internal readonly record struct SiblingFigures(int Count, long Connections, long Fewest);

/// <summary>A process that shares its sockets with nobody it knows of.</summary>
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
