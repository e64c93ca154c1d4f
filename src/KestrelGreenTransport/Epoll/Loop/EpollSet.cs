using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>
/// An epoll descriptor, the batch of events that was fetched last, and an eventfd that ends a wait.
///
/// Any thread may watch and wake; only the thread that leads the loop uses the batch.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The leader that ends the loop closes it.")]
internal sealed unsafe class EpollSet
{
    /// <summary>The data of the event that only wakes.</summary>
    public const ulong WakeData = 0;

    /// <summary>The most events fetched at once.</summary>
    private const int BatchSize = 256;

    private readonly byte* _events = (byte*)NativeMemory.Alloc(BatchSize, (nuint)EpollCalls.EventSize);
    private readonly int _epoll;
    private readonly WakeEvent _wake;
    private int _count;
    private int _cursor;
    private OneAtATime _leader;

    public EpollSet()
    {
        var created = Result.FromRaw(EpollCalls.epoll_create1(EpollCalls.EPOLL_CLOEXEC));
        _epoll = created.Ok
            ? (int)created.Value
            : throw new InvalidOperationException($"epoll_create1: {created.Message}. An event loop needs two descriptors: raise the limit (ulimit -n).");
        _wake = new WakeEvent();

        // Edge-triggered: each write to it is an event, and it never has to be read.
        Watch(_wake.Number, EpollCalls.EPOLLIN | EpollCalls.EPOLLET, WakeData);
    }

    /// <summary>Whether the batch has events left.</summary>
    public bool HasEvents => _cursor < _count;

    /// <summary>Adds a descriptor. With EPOLLEXCLUSIVE it can only be removed, not changed.</summary>
    public Result Watch(int descriptor, uint events, ulong data) =>
        EpollCalls.Control(_epoll, EpollCalls.EPOLL_CTL_ADD, descriptor, events, data);

    public Result Unwatch(int descriptor) => EpollCalls.Control(_epoll, EpollCalls.EPOLL_CTL_DEL, descriptor, 0, 0);

    /// <summary>Ends the wait that is under way, or the next one.</summary>
    public void Wake() => _wake.Set();

    /// <summary>The next event of the batch; false when none is left.</summary>
    public bool TryTake(out ulong data, out uint events)
    {
        if (_cursor == _count)
        {
            data = 0;
            events = 0;
            return false;
        }

        data = EpollCalls.DataOf(_events, _cursor);
        events = EpollCalls.EventsOf(_events, _cursor);
        _cursor++;
        return true;
    }

    /// <summary>Fetches the next batch, without waiting for one if <paramref name="waits"/> is false.</summary>
    public void Fetch(bool waits)
    {
        _leader.Enter("the fetching of events");
        _cursor = 0;
        _count = Math.Max(0, EpollCalls.epoll_wait(_epoll, _events, BatchSize, waits ? -1 : 0));
        _leader.Leave();
    }

    /// <summary>For the leader, when it ends the loop.</summary>
    public void Close()
    {
        _ = SocketCalls.close(_epoll);
        _wake.Dispose();
        NativeMemory.Free(_events);
    }
}
