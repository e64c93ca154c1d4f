using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Epoll.IO;
using KestrelGreenTransport.Native;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>
/// One epoll set and the thread that serves it.
///
/// The fetched batch and the place in it belong to the thread that leads the loop. All else may be used from any
/// thread: connections enter and leave the table, sources and deferred reads and posted work come in.
/// </summary>
internal sealed unsafe class EventLoop : ILoopProbe
{
    /// <summary>The most events fetched at once.</summary>
    private const int BatchSize = 256;

    // Generation 0, number 0: the event that only wakes. Number n: source n.
    private const ulong WakeData = 0;

    private readonly int _epoll;
    private readonly int _wake;
    private readonly byte* _events;
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly ConcurrentQueue<ulong> _deferred = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _name;
    private ILoopSource?[] _sources = new ILoopSource?[1];
    private int _count;
    private int _cursor;
    private int _stopping;
    private bool _isClosed;

    public EventLoop(int number, LoopSettings settings, MemoryPool<byte> pool, ILogger logger)
    {
        Settings = settings;
        Logger = logger;
        Blocks = new BlockStore(pool);
        _name = $"green loop {number}";
        _events = (byte*)NativeMemory.Alloc(BatchSize, (nuint)EpollCalls.EventSize);
        _epoll = Created(EpollCalls.epoll_create1(EpollCalls.EPOLL_CLOEXEC), "epoll_create1");
        _wake = Created(EpollCalls.eventfd(0, EpollCalls.EFD_CLOEXEC | EpollCalls.EFD_NONBLOCK), "eventfd");

        // Edge-triggered: each write to it is an event, and nobody needs to read it.
        Watch(_wake, EpollCalls.EPOLLIN | EpollCalls.EPOLLET, WakeData);
    }

    public LoopSettings Settings { get; }

    public ILogger Logger { get; }

    public BlockStore Blocks { get; }

    public ConnectionTable Connections { get; } = new();

    public void Start() => new LoopThread(this).Start(_name);

    /// <summary>Adds a descriptor to the epoll set.</summary>
    public Result Watch(int descriptor, uint events, ulong data) =>
        EpollCalls.Control(_epoll, EpollCalls.EPOLL_CTL_ADD, descriptor, events, data);

    public Result Unwatch(int descriptor) => EpollCalls.Control(_epoll, EpollCalls.EPOLL_CTL_DEL, descriptor, 0, 0);

    /// <summary>Enters a source; the number returned is the data to watch its descriptor with.</summary>
    public ulong Add(ILoopSource source)
    {
        lock (_posted)
        {
            var sources = _sources;
            Array.Resize(ref sources, sources.Length + 1);
            sources[^1] = source;
            Volatile.Write(ref _sources, sources);
            return (ulong)(sources.Length - 1);
        }
    }

    /// <summary>Forgets a source. Its number is not used again.</summary>
    public void Remove(ulong number)
    {
        lock (_posted)
        {
            _sources[number] = null;
        }
    }

    /// <summary>Has the loop do something, soon, on its thread.</summary>
    public void Post(Action work)
    {
        _posted.Enqueue(work);
        Wake();
    }

    /// <summary>Gives a connection another turn after all others that are ready.</summary>
    public void Defer(ulong data)
    {
        _deferred.Enqueue(data);
        if (LoopThread.Current?.Loop != this)
        {
            Wake();
        }
    }

    void ILoopProbe.Pass(Action passed) => Post(passed);

    /// <summary>Ends the loop's thread; completes when it has ended.</summary>
    public Task StopAsync()
    {
        if (Interlocked.Exchange(ref _stopping, 1) == 0)
        {
            Wake();
        }

        return _ended.Task;
    }

    public void Run(LoopThread thread)
    {
        while (Volatile.Read(ref _stopping) == 0)
        {
            Fetch();
            while (_cursor < _count)
            {
                var index = _cursor++;
                Dispatch(thread, EpollCalls.DataOf(_events, index), EpollCalls.EventsOf(_events, index));
            }

            RunDeferred(thread);
        }

        lock (_posted)
        {
            _isClosed = true;
            _ = SocketCalls.close(_epoll);
            _ = SocketCalls.close(_wake);
        }

        NativeMemory.Free(_events);
        Blocks.Dispose();
        _ended.SetResult();
    }

    private static int Created(int descriptor, string call) => descriptor >= 0
        ? descriptor
        : throw new InvalidOperationException($"{call}: {new Result(-1, SocketCalls.LastError).Message}. An event loop needs two descriptors: raise the limit (ulimit -n).");

    private void Wake()
    {
        var one = 1L;
        lock (_posted)
        {
            if (!_isClosed)
            {
                _ = SocketCalls.write(_wake, &one, sizeof(long));
            }
        }
    }

    private void Fetch()
    {
        _cursor = 0;
        _count = 0;
        var count = EpollCalls.epoll_wait(_epoll, _events, BatchSize, _deferred.IsEmpty ? -1 : 0);
        if (count > 0)
        {
            _count = count;
        }
    }

    private void Dispatch(LoopThread thread, ulong data, uint events)
    {
        try
        {
            if (data >> 32 != 0)
            {
                Connections.Find(data)?.OnEvents(thread, events);
            }
            else if (data == WakeData)
            {
                RunPosted();
            }
            else
            {
                Volatile.Read(ref _sources)[data]?.OnEvents(events);
            }
        }
        catch (Exception exception)
        {
            // An awaiter's continuation that throws: on the thread pool it would end the process. Here one connection
            // fails, and all others go on.
            Log.DispatchFailed(Logger, exception, _name);
        }
    }

    private void RunPosted()
    {
        while (_posted.TryDequeue(out var work))
        {
            work();
        }
    }

    private void RunDeferred(LoopThread thread)
    {
        // Those that defer again meanwhile wait for the next round.
        for (var count = _deferred.Count; count > 0 && _deferred.TryDequeue(out var data); count--)
        {
            Dispatch(thread, data, EpollCalls.EPOLLIN);
        }
    }
}
