namespace KestrelGreenTransport.Epoll.Scheduling;

/// <summary>A loop as its guard sees it.</summary>
internal interface IGuardedLoop
{
    /// <summary>Who leads it.</summary>
    Leadership Leadership { get; }

    /// <summary>The leader's number for the kernel.</summary>
    int LeaderId { get; }

    /// <summary>Whether the loop is handed on before each event, since its handlers often block.</summary>
    bool HandsOn { get; set; }

    /// <summary>Tells the spare that the loop was offered to once more.</summary>
    void RepeatOffer();

    /// <summary>Gives the loop to a spare thread, if its leader still runs the app for the same event.</summary>
    /// <param name="seen">The word of that event.</param>
    /// <param name="computes">Whether the leader keeps its processor busy.</param>
    bool TryGiveToSpare(long seen, bool computes);

    /// <summary>How many handlers have blocked with the loop on offer, since the last call.</summary>
    int TakeBlockedCount();
}
