namespace KestrelGreenTransport.Epoll.Scheduling;

/// <summary>A loop as its guard sees it.</summary>
internal interface IGuardedLoop
{
    /// <summary>Who leads it.</summary>
    LoopOwnership Ownership { get; }

    /// <summary>The leader's thread id in the kernel.</summary>
    int LeaderId { get; }

    /// <summary>Whether the loop is offered to a spare before each event, because its handlers often block.</summary>
    bool HandsOn { get; set; }

    /// <summary>Tells the spare once more that the loop is on offer.</summary>
    void RepeatOffer();

    /// <summary>Gives the loop to a spare thread, if the leader is still running the app for the same event.</summary>
    /// <param name="seen">The ownership word of that event.</param>
    /// <param name="computes">Whether the leader keeps its processor busy.</param>
    bool TryGiveToSpare(long seen, bool computes);

    /// <summary>How many handlers have blocked while the loop was on offer, since the last call.</summary>
    int TakeBlockedCount();
}
