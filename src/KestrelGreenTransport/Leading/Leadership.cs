using System.Diagnostics.CodeAnalysis;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervision;
using Microsoft.Extensions.Primitives;

namespace KestrelGreenTransport.Leading;

// No two workers lead at once: a dismissed worker resigns only when all its work as the leader has ended, and the supervisor
// appoints no other worker before it has heard that, or has reaped the process.
// A worker that begins to exit resigns by itself, and is never appointed again.
// The process leads, not a host: each of its hosts has a term, which runs while the process leads and the host runs.

/// <summary>Whether this worker leads. Appointments come in any order and from any thread, and are carried out one after the other.</summary>
[SuppressMessage("Design", "CA1001", Justification = "It lives as long as the process, and disposes of each source when it has cancelled it.")]
internal sealed class Leadership : IGreenWorker, ILifelineHandler
{
    private static readonly Lazy<Leadership> Process = new(static () => Of(WorkerContract.Current));

    private readonly Lock _gate = new();
    private readonly List<Member> _terms = [];
    private CancellationTokenSource _changed = new();
    private IChangeToken _token;
    private Lifeline? _lifeline;
    private volatile bool _isLeader;
    private bool _isWanted;
    private bool _isOver;
    private bool _isRunning;
    private bool _mustResign;

    private Leadership(int index, long generation, bool isBorn)
    {
        Index = index;
        Generation = generation;
        IsBorn = isBorn;
        _token = new CancellationChangeToken(_changed.Token);
    }

    public int Index { get; }

    public long Generation { get; }

    /// <summary>Whether it leads without being appointed, from the start of its host to its end.</summary>
    public bool IsBorn { get; }

    public bool IsLeader => _isLeader;

    public IChangeToken LeadershipChanged => Volatile.Read(ref _token);

    /// <summary>For a host of this process: if a supervisor appoints the leader, all hosts share one instance; otherwise each has its own.</summary>
    public static Leadership OfHost() => Process.Value is { IsBorn: false } appointed ? appointed : Of(WorkerContract.Current);

    /// <summary>Without a supervisor, or with one that cannot appoint (no lifeline), the first worker leads.</summary>
    public static Leadership Of(WorkerContract? contract) => contract is null
        ? new Leadership(1, 1, isBorn: true)
        : new Leadership(contract.Index, contract.Generation, isBorn: contract is { ControlDescriptor: null, Index: 1 } || !OperatingSystem.IsLinux());

    public void Receive(LifelineMessage message, Lifeline lifeline)
    {
        if (message.Type == LifelineTypes.Leader)
        {
            _lifeline = lifeline;
            Appoint(message.Yes == true);
        }
    }

    /// <summary>The supervisor's order. Never waits, so the beat thread may call it.</summary>
    public void Appoint(bool isLeader)
    {
        lock (_gate)
        {
            _isWanted = isLeader && !_isOver;
            _mustResign = !_isWanted;
            Settle();
        }
    }

    /// <summary>The worker begins to exit: from now on it never leads.</summary>
    public void Retire()
    {
        lock (_gate)
        {
            _isOver = true;
            _mustResign |= _isWanted;
            _isWanted = false;
            Settle();
        }
    }

    /// <summary>A host has started: its term begins now, or when the process is appointed.</summary>
    public void Join(ILeaderTerm term)
    {
        lock (_gate)
        {
            _terms.Add(new Member(term));
            Settle();
        }
    }

    /// <summary>A host stops: the returned task completes when its term has ended.</summary>
    public Task PartAsync(ILeaderTerm term)
    {
        lock (_gate)
        {
            if (_terms.Find(one => one.Term == term) is not { } member)
            {
                return Task.CompletedTask;
            }

            member.IsParting = true;
            Settle();
            return member.Parted.Task;
        }
    }

    private void Settle()
    {
        if (!_isRunning)
        {
            _isRunning = true;
            _ = Task.Run(CarryOut);
        }
    }

    private async Task CarryOut()
    {
        while (true)
        {
            Func<Task> step;
            lock (_gate)
            {
                if (NextNeedsLock() is not { } next)
                {
                    _isRunning = false;
                    return;
                }

                step = next;
            }

            Interleaving.Point("a word about who leads is carried out");
            await step();
        }
    }

    private Func<Task>? NextNeedsLock()
    {
        if (_isWanted != _isLeader)
        {
            return _isWanted ? Begin : EndAsync;
        }

        if (_terms.Find(static one => one.IsParting) is { } parting)
        {
            return () => PartAsync(parting);
        }

        if (_isLeader && _terms.Find(static one => !one.IsRunning) is { } member)
        {
            member.IsRunning = true;
            return member.Term.BeginAsync;
        }

        if (!_isLeader && _mustResign)
        {
            _mustResign = false;
            _lifeline?.SendResigned();
        }

        return null;
    }

    private Task Begin()
    {
        Become(true);
        return Task.CompletedTask;
    }

    private async Task EndAsync()
    {
        Become(false);
        Member[] running;
        lock (_gate)
        {
            running = [.. _terms.Where(static one => one.IsRunning)];
        }

        foreach (var member in running)
        {
            await EndAsync(member);
        }
    }

    private async Task PartAsync(Member member)
    {
        await EndAsync(member);
        lock (_gate)
        {
            _terms.Remove(member);
        }

        member.Parted.SetResult();
    }

    private static async Task EndAsync(Member member)
    {
        if (member.IsRunning)
        {
            await member.Term.EndAsync();
            member.IsRunning = false;
        }
    }

    private void Become(bool leader)
    {
        _isLeader = leader;
        using var before = _changed;
        _changed = new CancellationTokenSource();
        Volatile.Write(ref _token, new CancellationChangeToken(_changed.Token));
        try
        {
            before.Cancel();
        }
        catch (AggregateException)
        {
            // From the app's own callbacks: what they throw does not change which worker leads.
        }
    }

    private sealed class Member(ILeaderTerm term)
    {
        public ILeaderTerm Term => term;

        public TaskCompletionSource Parted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsParting { get; set; }

        /// <summary>Used only by the one thread in <see cref="CarryOut"/>.</summary>
        public bool IsRunning { get; set; }
    }
}

/// <summary>What a host does while its process leads.</summary>
internal interface ILeaderTerm
{
    Task BeginAsync();

    /// <summary>Ends what <see cref="BeginAsync"/> began.</summary>
    Task EndAsync();
}
