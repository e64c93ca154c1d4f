using System.Diagnostics.Metrics;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.AccessLogging;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Leading;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Supervision;
using KestrelGreenTransport.WarmUp;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// Keeps the worker contract along the host's life: hello when its services are there and before anything is bound,
/// ready once it really runs (behind its gate, which may be closed until the supervisor says otherwise), draining as soon as it begins to stop.
/// </summary>
internal sealed class WorkerService : IHostedLifecycleService, IDisposable
{
    private readonly IHostApplicationLifetime _lifetime;
    private readonly WorkerLife _life;
    private readonly Lifeline? _lifeline;
    private readonly WakeSignal _wake = new();
    private readonly BeatThread _thread;
    private readonly LastWords? _lastWords;

    public WorkerService(
        WorkerContract contract,
        AdoptedLifeline adopted,
        WorkerLife life,
        RequestFigures requests,
        BoardSiblings siblings,
        TransportState transport,
        WorkerFailure failure,
        SelfRequest request,
        BindRequests binds,
        Leadership leadership,
        ForcedExit exit,
        Drain drain,
        AccessLog accessLog,
        IHostApplicationLifetime lifetime,
        IOptions<HostOptions> host,
        IOptions<GreenTransportOptions> options,
        IMeterFactory meters,
        ILoggerFactory loggers)
    {
        // Not the app's TimeProvider, which may be a fake: a supervisor compares these times with its own.
        var time = TimeProvider.System;
        var log = new OffThreadLogger(loggers.CreateLogger(WorkerLog.Category));
        var pid = Environment.ProcessId;
        var interval = contract.HeartbeatInterval;
        _lifetime = lifetime;
        _life = life;
        if (adopted.Problem is not null)
        {
            WorkerLog.LifelineRefused(log, contract.ControlDescriptor!.Value, adopted.Problem);
        }

        if (adopted.Socket is not null)
        {
            _lifeline = new Lifeline(adopted.Socket, log);
            _lifeline.SendHello(pid);
            _lastWords = new LastWords(adopted.Socket);
            failure.Reported = _lifeline.SendFailed;
            binds.Ask = _lifeline.SendBind;
            leadership.Resigned = _lifeline.SendResigned;
        }

        var beat = new FullBeat(transport, time, _wake.Set);
        var heartbeat = contract.HeartbeatFile is null
            ? null
            : new HeartbeatFile(contract.HeartbeatFile, pid, contract.Index, contract.Generation, log);
        BoardLine? board = null;
        if (contract.BoardFile is not null)
        {
            requests.Activity = new BoardActivity(_wake.Set);
            board = new BoardLine(
                new BoardFile(contract.BoardFile, contract.Index, log), requests.Activity, life, transport, requests, beat, pid, interval);
        }

        var stats = _lifeline is null ? null : new StatsSender(new RequestDurations(meters), _lifeline);
        var stop = new WorkerStop(lifetime, host, drain, options, life, exit, time, log);
        var slow = contract.RequestTimeout is { } limit ? new SlowRequests(requests, limit, _lifeline, log) : null;
        var oldest = _lifeline is null ? null : new OldestRequests(requests, _lifeline);
        var pulse = new Pulse(beat, heartbeat, life, interval, _lifeline is null ? null : _lifeline.SendBeat);
        _thread = new BeatThread(
            _wake, pulse, board, slow, oldest, _lifeline, binds, stats, leadership, life, new WarmUpRun(request, time, log), stop, siblings, accessLog, time, interval);
    }

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _lifetime.ApplicationStarted.Register(OnStarted);
        _lifetime.ApplicationStopping.Register(OnStopping);
        _thread.Start();
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _lastWords?.Dispose();
        _thread.Dispose();
        _wake.Dispose();
    }

    private void OnStarted()
    {
        // Once more: callbacks run in reverse order, and one of the app's that blocks should find this one done.
        _lifetime.ApplicationStopping.Register(OnStopping);
        if (_life.Start())
        {
            _lifeline?.SendReady();
            _wake.Set();
        }
    }

    private void OnStopping()
    {
        if (_life.Leave())
        {
            _wake.Set();
        }
    }
}
