using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Leading;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Supervision;
using KestrelGreenTransport.WarmUp;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Worker;

// One process has one worker state, however many hosts run in it: one lifeline, one heartbeat, one line on the board, one
// state of the gates. It outlives each host. Two readers of one lifeline would each get half of the supervisor's messages.

/// <summary>
/// This process as a worker. It says hello as soon as it is created, in the call of <c>UseGreenTransport()</c> itself, so that
/// the supervisor knows that the app uses the transport even if it builds its host slowly or listens on other sockets meanwhile.
/// </summary>
internal sealed class ProcessWorker : IDisposable
{
    private static readonly Lazy<ProcessWorker?> Process = new(static () =>
        WorkerContract.Current is { } contract && OperatingSystem.IsLinux() ? new ProcessWorker(contract, Leadership.OfHost()) : null);

    private readonly HostLoggers _loggers = new();
    private readonly WakeEvent _wake = new();
    private readonly StatsSender? _stats;
    private readonly WarmUpRun _warmUp;
    private readonly WorkerStop _stop;
    private readonly BeatThread _thread;
    private readonly FinalMessage? _finalMessage;

    // Not the app's TimeProvider, which may be a fake: a supervisor compares these times with its own.
    private readonly TimeProvider _time = TimeProvider.System;

    public ProcessWorker(WorkerContract contract, Leadership leadership, ForcedExit? exit = null)
    {
        Contract = contract;
        Leadership = leadership;
        var log = new OffThreadLogger(_loggers);
        var pid = Environment.ProcessId;
        string? problem = null;
        if (contract.ControlDescriptor is { } descriptor && LifelineSocket.TryAdopt(descriptor, out var socket, out problem))
        {
            Lifeline = new Lifeline(socket, log);
            Lifeline.SendHello(pid);
            _finalMessage = new FinalMessage(socket);
            Routes = contract.RecordedQuery is { } query ? new RouteRecorder(query) : null;
            _stats = new StatsSender(Lifeline, Routes);
        }
        else if (problem is not null)
        {
            WorkerLog.LifelineRefused(_loggers, contract.ControlDescriptor!.Value, problem);
        }

        if (contract.AccessLogDescriptor is { } accessLog)
        {
            _ = Libc.fcntl(accessLog, Libc.F_SETFD, Libc.FD_CLOEXEC);
        }

        // Without a lifeline no message could open a closed gate.
        Life = new WorkerLife(isOpen: !contract.StartsClosed || Lifeline is null) { Left = OnLeft };
        Hosts = new WorkerHosts(Life);
        Binds = new BindRequests(Lifeline);
        Requests = new RequestFigures(_time, keepsRequests: contract.RequestTimeout is not null || Lifeline is not null)
        {
            Activity = contract.BoardFile is null ? null : new BoardActivity(_wake.Set),
        };
        Siblings = new BoardSiblings(contract, Transport, Requests, _time, Life);
        var beat = new FullBeat(Transport, _time, _wake.Set);
        var board = Requests.Activity is null ? null : new BoardPublisher(
            new BoardFile(contract.BoardFile!, contract.Index, log), Requests.Activity, Life, Transport, Requests, beat, pid, contract.HeartbeatInterval)
        {
            Ballast = () => Siblings.Ballast,
        };
        var heartbeat = contract.HeartbeatFile is null ? null : new HeartbeatFile(contract.HeartbeatFile, pid, contract.Index, contract.Generation, log);
        var writer = new HeartbeatWriter(beat, heartbeat, Life, contract.HeartbeatInterval, Lifeline is null ? null : Lifeline.SendBeat);
        var slow = contract.RequestTimeout is { } limit ? new SlowRequests(Requests, limit, Lifeline, log) : null;
        _warmUp = new WarmUpRun(() => [.. Hosts.Parts.Select(static host => host.Client)], _time, log);
        _stop = new WorkerStop(() => Hosts.Parts.Select(static host => host.Stop), Life, exit ?? new ForcedExit(), _time, log);
        _thread = new BeatThread(_wake, writer, board, slow, Lifeline, _stop, _time, contract.HeartbeatInterval)
        {
            // A look at the siblings comes before a warm-up: the first one opens the board, and the first client would wait for it.
            Handlers = [Binds, _stop, Siblings, _warmUp, Life, new OldestRequests(Requests, _time), Hosts, leadership],
            Checked = OnChecked,
        };
    }

    /// <summary>The worker of this process; null if it is not a worker. The first access says hello.</summary>
    /// <exception cref="FormatException">A variable of the worker contract is malformed.</exception>
    public static ProcessWorker? OfProcess => Process.Value;

    public WorkerContract Contract { get; }

    public Leadership Leadership { get; }

    public WorkerLife Life { get; }

    public WorkerHosts Hosts { get; }

    public RequestFigures Requests { get; }

    public BoardSiblings Siblings { get; }

    /// <summary>Records which routes clients request; null where they are not recorded.</summary>
    public RouteRecorder? Routes { get; }

    /// <summary>The pools and the loops of all hosts.</summary>
    public TransportState Transport { get; } = new();

    public BindRequests Binds { get; }

    /// <summary>Null without a supervisor that gave one.</summary>
    public Lifeline? Lifeline { get; }

    public void OnStarting(WorkerHost host, HostParts parts, ILogger logger)
    {
        _loggers.Add(logger);
        _stats?.Add(parts.Durations);
        Hosts.Starting(host, parts);
        _stop.Join(parts.Stop);
        _thread.Start();
    }

    public void OnStarted(WorkerHost host)
    {
        if (Hosts.Started(host, _time.Nanoseconds()))
        {
            _thread.SendReady();
        }
    }

    public void OnStopping(WorkerHost host, bool isTold, bool byOwner) => Hosts.Stopping(host, isTold, byOwner);

    public void OnGone(WorkerHost host, ILogger logger)
    {
        _thread.WriteNow();
        if (Hosts.Gone(host))
        {
            _thread.SendReady();
        }

        _loggers.Remove(logger);
    }

    public void Dispose()
    {
        _finalMessage?.Dispose();
        _thread.Dispose();
        _wake.Dispose();
        Siblings.Dispose();
    }

    private void OnLeft()
    {
        Leadership.Retire();
        _warmUp.Stop();
        _wake.Set();
    }

    private void OnChecked(long now)
    {
        _stats?.SendNews();
        if (Hosts.GiveUpExpecting(now))
        {
            WorkerLog.HostNotStarted(new OffThreadLogger(_loggers), WorkerHosts.ExpectedFor.TotalSeconds);
            _thread.SendReady();
        }
    }
}
