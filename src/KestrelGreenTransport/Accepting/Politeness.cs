namespace KestrelGreenTransport.Accepting;

/// <summary>
/// How many a process that has its share takes of those who wait all the same. It decides purely.
///
/// They wait for the sibling with the fewest. While that one gets on, nobody is taken: the line moves. One is taken after
/// each tick in which it did not, so politeness costs a client one tick at most; and all once it did not for so long that
/// it is hardly just busy with those that it accepted before. Siblings that compile and answer the first requests of a
/// hundred new connections each, five processes on two cores, were seen to need 30 ms between two accepts.
/// </summary>
internal struct Politeness(SiblingFigures siblings)
{
    /// <summary>After so many ticks without one more at the sibling with the fewest, all who wait are taken.</summary>
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
    /// <param name="siblings">What they hold now.</param>
    /// <param name="someoneWaits">Whether there is a client in the kernel's queue.</param>
    public void OnTick(SiblingFigures siblings, bool someoneWaits)
    {
        _stillTicks = someoneWaits && siblings.Fewest <= _fewest ? _stillTicks + 1 : 0;
        _fewest = siblings.Fewest;
    }
}
