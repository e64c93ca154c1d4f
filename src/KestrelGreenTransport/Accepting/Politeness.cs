namespace KestrelGreenTransport.Accepting;

/// <summary>
/// How many waiting clients a process takes although it has its share. Decides purely.
///
/// The clients are left to the sibling with the fewest connections. While that sibling keeps accepting, none is taken. After
/// each tick in which it did not, one is taken, so politeness costs a client at most one tick. After
/// <see cref="Patience"/> such ticks all are taken: by then the sibling is hardly just busy with earlier clients. Siblings
/// that compile and answer the first requests of a hundred new connections each (five processes on two cores) were seen to
/// need 30 ms between two accepts.
/// </summary>
internal struct Politeness(SiblingFigures siblings)
{
    /// <summary>After this many ticks without a new connection at the sibling with the fewest, all waiting clients are taken.</summary>
    public const int Patience = 8;

    private long _fewest = siblings.Fewest;
    private int _stillTicks;

    /// <summary>How many may be taken now.</summary>
    public readonly long MayTake => _stillTicks switch
    {
        0 => 0,
        < Patience => 1,
        _ => long.MaxValue,
    };

    /// <summary>A tick has passed.</summary>
    /// <param name="siblings">Their connections now.</param>
    /// <param name="someoneWaits">Whether a client is in the kernel's queue.</param>
    public void OnTick(SiblingFigures siblings, bool someoneWaits)
    {
        _stillTicks = someoneWaits && siblings.Fewest <= _fewest ? _stillTicks + 1 : 0;
        _fewest = siblings.Fewest;
    }
}
