using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Epoll.Memory;
using KestrelGreenTransport.Epoll.Scheduling;
using KestrelGreenTransport.Native;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>
/// One epoll set and the threads that lead it, one at a time (see <see cref="Scheduling.LoopOwnership"/>).
///
/// The fetched batch, the position in it and the connection being dispatched belong to the thread that leads. Any thread
/// may use the rest: add and remove connections and sources, defer reads, post work.
/// </summary>
internal sealed class EventLoop : ILoopProbe, IGuardedLoop
{
    // The least time from falling asleep to running again, on a machine that is not busy.
    private static readonly TimeSpan WakeUp = TimeSpan.FromMicroseconds(50);

    private readonly EpollSet _set = new();
    private readonly LoopSources _sources = new();
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly ConcurrentQueue<ulong> _deferred = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LoopThread? _leader;
    private LoopThread? _candidate;
    private ILoopConnection? _dispatched;
    private int _blocked;
    private bool _spins;
    private OneAtATime _work;
    private volatile bool _isStopping;

    public EventLoop(int number, LoopSettings settings, MemoryPool<byte> pool, TimeProvider time, ILogger logger, LoopProcessor? processor = null)
    {
        Name = $"green loop {number}";
        Time = time;
        Settings = settings;
        Logger = logger.Guarded();
        Processor = processor;
        Blocks = new BlockStore(pool);
        Spares = new SpareThreads(this, Name);
    }

    public string Name { get; }

    public LoopSettings Settings { get; }

    public ILogger Logger { get; }

    public TimeProvider Time { get; }

    /// <summary>The processor that its leader is tied to; null if it may run on any.</summary>
    public LoopProcessor? Processor { get; }

    public BlockStore Blocks { get; }

    public ConnectionTable Connections { get; } = new();

    public LoopOwnership Ownership { get; } = new();

    public SpareThreads Spares { get; }

    /// <summary>Watches this loop; null if the loop is never taken from its one thread.</summary>
    public LoopGuard? Guard { get; set; }

    /// <summary>Whether the loop is offered to a spare before each event, because its handlers often block.</summary>
    public bool HandsOn { get; set; }

    /// <summary>The leader's thread id in the kernel.</summary>
    public int LeaderId => Volatile.Read(ref _leader)?.Id ?? 0;

    /// <summary>The loop with the fewest connections, which gets the next one.</summary>
    public static EventLoop LeastLoaded(EventLoop[] loops)
    {
        var least = loops[0];
        for (var i = 1; i < loops.Length; i++)
        {
            if (loops[i].Connections.Count < least.Connections.Count)
            {
                least = loops[i];
            }
        }

        return least;
    }

    /// <summary>Starts the first thread and, with a guard, a spare: later there may be no descriptor left to start one.</summary>
    public void Start()
    {
        var first = Spares.Take();
        if (Guard is not null && Spares.Take() is { } spare)
        {
            Spares.Return(spare);
        }

        first!.Tell(Signal.Lead);
    }

    public Result Watch(int descriptor, uint events, ulong data) => _set.Watch(descriptor, events, data);

    public Result Unwatch(int descriptor) => _set.Unwatch(descriptor);

    /// <summary>Adds a source; the number returned is the data to watch its descriptor with.</summary>
    public ulong Add(ILoopSource source) => _sources.Add(source);

    public void Remove(ulong number) => _sources.Remove(number);

    /// <summary>Runs the action on the loop's thread, soon.</summary>
    public void Post(Action work)
    {
        _posted.Enqueue(work);
        _set.Wake();
    }

    /// <summary>Gives a connection another turn, after all others that are ready.</summary>
    public void Defer(ulong data)
    {
        _deferred.Enqueue(data);
        Interleaving.Point("a connection is deferred");
        if (LoopThread.Current != Volatile.Read(ref _leader))
        {
            _set.Wake();
        }
    }

    void ILoopProbe.Pass(Action passed) => Post(passed);

    /// <summary>Ends the loop; completes when it has ended.</summary>
    public Task StopAsync()
    {
        _isStopping = true;
        _set.Wake();
        return _ended.Task;
    }

    /// <summary>Leads the loop until it is taken over or has ended.</summary>
    public void Lead(LoopThread thread)
    {
        Interleaving.Point("a thread is about to lead");
        _work.Enter("the work of an event loop between two events");

        // A barrier: a thread that lost the loop may be deferring a connection just now. Either it sees the new leader, and wakes
        // the loop, or this thread finds the deferred connection.
        Interlocked.Exchange(ref _leader, thread);
        thread.Tie();
        if (_candidate == thread)
        {
            _candidate = null;
        }

        UncorkDispatched();
        Interleaving.Point("a thread leads");
        while (!_isStopping)
        {
            while (_set.TryTake(out var data, out var events))
            {
                if (!Dispatch(thread, data, events))
                {
                    return;
                }
            }

            if (!RunDeferred(thread))
            {
                return;
            }

            Fetch();
        }

        End();
    }

    /// <summary>
    /// For a spare that was told of an offer. Only the candidate may take it. A thread may hear late of an offer that it has
    /// already taken; after it has parked, the offer is another candidate's. If it took that one, it would lead while it
    /// still counts as parked, and when the next handler blocks, the loop would be given to a thread that cannot hear.
    /// </summary>
    public bool TryTakeOffer(LoopThread thread) => Volatile.Read(ref _candidate) == thread && Ownership.TryTakeOffer();

    /// <summary>For the guard: tells the spare of the offer once more.</summary>
    public void RepeatOffer() => Volatile.Read(ref _candidate)?.TellOffer();

    /// <summary>For the guard: gives the loop to a spare thread, if the leader is still running the app for the same event.</summary>
    /// <param name="seen">The ownership word of that event.</param>
    /// <param name="computes">Whether the leader keeps its processor busy.</param>
    public bool TryGiveToSpare(long seen, bool computes)
    {
        var leader = Volatile.Read(ref _leader);
        if (Spares.Take() is not { } spare)
        {
            return false;
        }

        if (!Ownership.TryTake(seen))
        {
            Spares.Return(spare);
            return false;
        }

        if (computes)
        {
            leader?.LetGo();
        }

        Interleaving.Point("a loop is taken and no thread leads");
        spare.Tell(Signal.Lead);
        return true;
    }

    /// <summary>How many handlers have blocked while the loop was on offer, since the last call.</summary>
    public int TakeBlockedCount() => Interlocked.Exchange(ref _blocked, 0);

    /// <summary>Serves one event. False: another thread has taken over the loop, and this one must not touch it any more.</summary>
    private bool Dispatch(LoopThread thread, ulong data, uint events)
    {
        // Begun and ended only while this thread owns the loop: a thread that takes it over in between finds what to send, and
        // nothing is held back after that.
        Debug.Assert(Ownership.Word is var word && !LoopOwnership.IsBusy(word) && !LoopOwnership.IsOffered(word), "An event begins while another is under way.");
        var connection = Connections.Find(data);
        connection?.BeginDispatch(thread);
        if (Guard is null)
        {
            Serve(connection, data, events);
            connection?.EndDispatch();
            return true;
        }

        _dispatched = connection;
        var ticket = Begin(thread);
        Serve(connection, data, events);
        if (Ownership.TryEnd(ticket))
        {
            _work.Enter("the work of an event loop between two events");
            connection?.EndDispatch();
            _dispatched = null;
            return true;
        }

        if (LoopOwnership.IsOffered(ticket) && thread.HasBlocked(Time, Settings.BlockingThreshold))
        {
            Interlocked.Increment(ref _blocked);
        }

        return false;
    }

    // Sends what the app wrote before it blocked: it must not wait for the rest of the event. After this the loop must not
    // reference the connection, whose handler may never complete; hence no inlining into Lead, whose frame lives for long.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void UncorkDispatched()
    {
        _dispatched?.Uncork();
        _dispatched = null;
    }

    private long Begin(LoopThread thread)
    {
        long ticket;
        if (HandsOn && (_candidate ??= Spares.Take()) is { } candidate)
        {
            thread.NoteStart(Time);
            _work.Leave();
            ticket = Ownership.BeginOffered();
            candidate.TellOffer();
        }
        else
        {
            _work.Leave();
            ticket = Ownership.BeginBusy();
        }

        if (Guard!.IsAsleep)
        {
            Guard.Wake();
        }

        return ticket;
    }

    private void Serve(ILoopConnection? connection, ulong data, uint events)
    {
        try
        {
            if (connection is not null)
            {
                connection.OnEvents(events);
            }
            else if (data == EpollSet.WakeData)
            {
                RunPosted();
            }
            else if (data <= uint.MaxValue)
            {
                _sources.Find(data)?.OnEvents(events);
            }
        }
        catch (Exception exception)
        {
            // A continuation that throws would end the process on the thread pool. Here one connection fails, and all others
            // continue.
            Log.DispatchFailed(Logger, exception, Name);
        }
    }

    private void RunPosted()
    {
        while (_posted.TryDequeue(out var work))
        {
            try
            {
                work();
            }
            catch (Exception exception)
            {
                // The work queued behind it must not wait for the next wake-up.
                Log.DispatchFailed(Logger, exception, Name);
            }
        }
    }

    private bool RunDeferred(LoopThread thread)
    {
        // Connections that are deferred during this round wait for the next one.
        for (var count = _deferred.Count; count > 0 && _deferred.TryDequeue(out var data); count--)
        {
            if (!Dispatch(thread, data, EpollCalls.EPOLLIN))
            {
                return false;
            }
        }

        return true;
    }

    private void Fetch()
    {
        if (!_deferred.IsEmpty)
        {
            _set.Fetch(waits: false);
        }
        else if (Settings.SpinTime == TimeSpan.Zero)
        {
            _set.Fetch(waits: true);
        }
        else if (!(_spins && FetchSpinning()))
        {
            // Polling pays while events come within the spin time. After a spin without events, a short sleep shows that they do again.
            var start = Time.GetTimestamp();
            _set.Fetch(waits: true);
            _spins = Time.GetElapsedTime(start) < Settings.SpinTime + WakeUp;
        }
    }

    private bool FetchSpinning()
    {
        var start = Time.GetTimestamp();
        do
        {
            _set.Fetch(waits: false);
            if (_set.HasEvents || !_deferred.IsEmpty || _isStopping)
            {
                return true;
            }
        }
        while (Time.GetElapsedTime(start) < Settings.SpinTime);
        return false;
    }

    private void End()
    {
        Spares.End();
        _candidate?.Tell(Signal.End);
        _set.Close();
        Blocks.Dispose();
        _ended.SetResult();
    }
}
