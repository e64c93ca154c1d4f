using KestrelGreenTransport.Contract;
using Microsoft.Extensions.Primitives;

namespace KestrelGreenTransport.Leading;

// No two workers lead at once: whoever is dismissed says so only when all that it did as the leader has ended, and the
// supervisor appoints nobody before it has heard that, or has reaped the process.
// A worker that begins to leave resigns by itself, and is never appointed again.

/// <summary>Whether this worker leads. Appointments come in any order and from any thread; they are carried out one after the other.</summary>
internal sealed class Leadership : IGreenWorker, IDisposable
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _changed = new();
    private IChangeToken _token;
    private volatile bool _isLeader;
    private bool _isWanted;
    private bool _isOver;
    private bool _isRunning;
    private Task _settled = Task.CompletedTask;

    private Leadership(int index, long generation, bool isBorn)
    {
        Index = index;
        Generation = generation;
        IsBorn = isBorn;
        _token = new CancellationChangeToken(_changed.Token);
    }

    public int Index { get; }

    public long Generation { get; }

    /// <summary>Whether nobody appoints it: it leads from the start of its host to its end.</summary>
    public bool IsBorn { get; }

    public bool IsLeader => _isLeader;

    public IChangeToken LeadershipChanged => Volatile.Read(ref _token);

    /// <summary>What the leader does; null where nothing is to be run. Set before anybody is appointed.</summary>
    public Func<Task>? BeginTerm { get; set; }

    /// <summary>Ends what <see cref="BeginTerm"/> began.</summary>
    public Func<Task>? EndTerm { get; set; }

    /// <summary>Tells the supervisor that this worker does not lead, or does not any more.</summary>
    public Action? Resigned { get; set; }

    /// <summary>Completes when what was asked for last has been carried out.</summary>
    public Task Settled
    {
        get
        {
            lock (_gate)
            {
                return _settled;
            }
        }
    }

    /// <summary>Alone, or of a supervisor that cannot appoint, the first one leads.</summary>
    public static Leadership For(WorkerContract? contract) => contract is null
        ? new Leadership(1, 1, isBorn: true)
        : new Leadership(contract.Index, contract.Generation, isBorn: contract is { ControlDescriptor: null, Index: 1 } || !OperatingSystem.IsLinux());

    /// <summary>The supervisor's word. Never waits, so the beat thread may bring it.</summary>
    public void Appoint(bool isLeader)
    {
        lock (_gate)
        {
            _isWanted = isLeader && !_isOver;
            if (!_isWanted && !_isLeader && !_isRunning)
            {
                // Not even begun: there is nothing to end.
                Resigned?.Invoke();
                return;
            }

            Settle();
        }
    }

    /// <summary>The host begins to stop: from now on this worker never leads.</summary>
    public void Retire()
    {
        lock (_gate)
        {
            _isOver = true;
            _isWanted = false;
            if (_isLeader || _isRunning)
            {
                Settle();
            }
        }
    }

    public void Dispose() => _changed.Dispose();

    private void Settle()
    {
        if (!_isRunning)
        {
            _isRunning = true;
            _settled = Task.Run(CarryOut);
        }
    }

    private async Task CarryOut()
    {
        while (true)
        {
            bool wanted;
            lock (_gate)
            {
                wanted = _isWanted;
                if (wanted == _isLeader)
                {
                    _isRunning = false;
                    return;
                }
            }

            Interleaving.Point("a word about who leads is carried out");
            if (wanted)
            {
                Become(true);
                await (BeginTerm?.Invoke() ?? Task.CompletedTask);
            }
            else
            {
                Become(false);
                await (EndTerm?.Invoke() ?? Task.CompletedTask);
                Resigned?.Invoke();
            }
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
            // The app's own callbacks; what they throw changes nothing about who leads.
        }
    }
}
