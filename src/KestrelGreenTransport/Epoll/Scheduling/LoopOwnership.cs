using System.Diagnostics;

namespace KestrelGreenTransport.Epoll.Scheduling;

/// <summary>
/// Which thread leads an event loop, in one word.
///
/// Exactly one thread leads. While it works for the loop itself the word is <see cref="Own"/>, and no other thread can take
/// the loop. While it runs the app for an event the word is <see cref="Busy"/> (the guard may take the loop) or
/// <see cref="Offered"/> (any spare thread may), with a number that is unique to the event. So when the app returns, the
/// leader gets the loop back by a compare-and-swap from just that value, or sees that it has lost the loop. A thread that
/// lost it touches nothing of the loop any more.
/// </summary>
internal sealed class LoopOwnership
{
    public const long Own = 0;
    public const long Busy = 1;
    public const long Offered = 2;

    private const long StateMask = 3;
    private const long Step = 4;

    private long _word;

    // Only the leader uses it.
    private long _number;

    /// <summary>The word at this moment.</summary>
    public long Word => Volatile.Read(ref _word);

    public static bool IsBusy(long word) => (word & StateMask) == Busy;

    public static bool IsOffered(long word) => (word & StateMask) == Offered;

    /// <summary>The leader begins to run the app; the guard may take the loop. Returns the ticket to end it with.</summary>
    public long BeginBusy()
    {
        var ticket = NextTicket(Busy);
        Volatile.Write(ref _word, ticket);
        Interleaving.Point("the app begins");
        return ticket;
    }

    /// <summary>
    /// As <see cref="BeginBusy"/>, but any spare thread may take the loop. A full barrier: all threads see the word before the
    /// caller reads whether a spare is awake.
    /// </summary>
    public long BeginOffered()
    {
        var ticket = NextTicket(Offered);
        Interlocked.Exchange(ref _word, ticket);
        Interleaving.Point("the app begins, and the loop is on offer");
        return ticket;
    }

    /// <summary>The app returned. False: another thread leads now.</summary>
    public bool TryEnd(long ticket)
    {
        Interleaving.Point("the app returned");
        return Interlocked.CompareExchange(ref _word, ticket & ~StateMask, ticket) == ticket;
    }

    /// <summary>Takes the loop from a leader that runs the app. False: the app has returned, or another thread has taken the loop.</summary>
    public bool TryTake(long seen)
    {
        Interleaving.Point("a loop is about to be taken");
        return Interlocked.CompareExchange(ref _word, seen & ~StateMask, seen) == seen;
    }

    /// <summary>Takes the loop if its leader offers it.</summary>
    public bool TryTakeOffer()
    {
        var seen = Word;
        return IsOffered(seen) && TryTake(seen);
    }

    private long NextTicket(long state)
    {
        Debug.Assert((Word & StateMask) == Own, "The app is run for an event while it runs for another: two threads lead the loop.");
        return (_number += Step) | state;
    }
}
