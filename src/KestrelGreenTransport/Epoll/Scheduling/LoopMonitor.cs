using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Scheduling;

/// <summary>One loop as its guard sees it. Only for the guard's thread.</summary>
internal sealed class LoopMonitor(IGuardedLoop loop, Func<int, int>? openState = null) : IDisposable
{
    private readonly Func<int, int> _openState = openState ?? KernelThread.OpenState;
    private readonly BlockingRate _rate = new();
    private Sighting _before;
    private long _lastWord;
    private int _blocked;
    private int _threadId;
    private int _stateDescriptor = -1;

    /// <summary>Whether the loop is running the app, or has run it since the last call.</summary>
    public bool HasMoved()
    {
        var word = loop.Ownership.Word;
        var moved = word != _lastWord || LoopOwnership.IsBusy(word) || LoopOwnership.IsOffered(word);
        _lastWord = word;
        return moved;
    }

    public LoopVerdict Look(TimeSpan threshold)
    {
        var word = loop.Ownership.Word;
        if (!LoopOwnership.IsBusy(word))
        {
            if (LoopOwnership.IsOffered(word) && word == _before.Word)
            {
                // The spare that the loop was offered to should have taken it long ago.
                loop.RepeatOffer();
            }

            _before = new Sighting(word, KernelThread.Unknown, -1, 0);
            return LoopVerdict.NoProblem;
        }

        var leader = loop.LeaderId;
        var now = new Sighting(word, ReadState(leader), KernelThread.CpuTime(leader), GC.CollectionCount(0));
        var verdict = LoopDiagnosis.Of(_before, now, threshold);
        if (now.Word != _before.Word || now.Collections != _before.Collections)
        {
            _before = now;
        }

        return verdict;
    }

    /// <summary>Gives the loop to a spare thread, unless its handler has returned.</summary>
    public bool TakeOver(LoopVerdict verdict)
    {
        if (!loop.TryGiveToSpare(_before.Word, computes: verdict == LoopVerdict.Computes))
        {
            return false;
        }

        if (verdict == LoopVerdict.Blocks)
        {
            _blocked++;
        }

        return true;
    }

    public void UpdateRate(TimeSpan now)
    {
        _rate.Add(_blocked + loop.TakeBlockedCount(), now);
        _blocked = 0;
        loop.HandsOn = _rate.IsFrequent;
    }

    public void Dispose()
    {
        if (_stateDescriptor >= 0)
        {
            _ = SocketCalls.close(_stateDescriptor);
            _stateDescriptor = -1;
        }
    }

    // A file that cannot be opened (no descriptor is left) or read (its thread has ended, and another thread has the number)
    // is tried again at the next look; otherwise the loop would stay unguarded for good.
    private char ReadState(int threadId)
    {
        if (threadId != _threadId || _stateDescriptor < 0)
        {
            Dispose();
            _threadId = threadId;
            _stateDescriptor = _openState(threadId);
        }

        var state = _stateDescriptor < 0 ? KernelThread.Unknown : KernelThread.ReadState(_stateDescriptor);
        if (state == KernelThread.Unknown)
        {
            Dispose();
        }

        return state;
    }
}
