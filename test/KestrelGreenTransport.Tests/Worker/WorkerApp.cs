using System.Collections.Concurrent;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Leading;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Tests.Supervision;
using KestrelGreenTransport.Worker;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Tests.Worker;

/// <summary>A whole worker in this process: a web app on the transport, with a lifeline, a heartbeat file and a board.</summary>
internal sealed class WorkerApp : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly IHostApplicationLifetime _lifetime;
    private Task? _running;

    public WorkerApp(
        TimeSpan? gracefulTimeout = null, Action<WebApplication>? map = null, Action<WebApplicationBuilder>? build = null, TimeSpan? interval = null, string? heartbeatFile = null,
        bool startsClosed = false, Action<KestrelServerOptions>? kestrel = null, string[]? recordedQuery = null)
    {
        Contract = new WorkerContract
        {
            Index = 2,
            Generation = 7,
            Listeners = [],
            ControlDescriptor = Lifeline.WorkersDescriptor,
            HeartbeatFile = heartbeatFile ?? _folder.File("worker-2.beat"),
            HeartbeatInterval = interval ?? TimeSpan.FromMilliseconds(20),
            BoardFile = _folder.File("board"),
            StartsClosed = startsClosed,
            RecordedQuery = recordedQuery,
        };
        if (heartbeatFile is null)
        {
            File.WriteAllBytes(Contract.HeartbeatFile, []);
        }

        File.WriteAllBytes(Contract.BoardFile, []);
        Worker = new ProcessWorker(Contract, Leadership.Of(Contract), Exit);
        App = TestApp.Create(
            options => options.GracefulTimeout = gracefulTimeout ?? TimeSpan.FromSeconds(30),
            kestrel: kestrel,
            map: map,
            build: builder =>
            {
                builder.Services.AddGreenWorker(Worker);
                build?.Invoke(builder);
            });
        _lifetime = App.App.Lifetime;
    }

    public WorkerContract Contract { get; }

    public ProcessWorker Worker { get; }

    public TestLifeline Lifeline { get; } = new();

    public RecordedExit Exit { get; } = new();

    public TestApp App { get; }

    public HeartbeatReading Heartbeat => Read(Contract.HeartbeatFile!, HeartbeatFileReader.Read);

    public BoardRecord Board => Read(Contract.BoardFile!, file =>
    {
        var board = new BoardFileReader(file);
        board.Refresh(Contract.Index);
        return board.TryGet(Contract.Index, out var record) ? record : default;
    });

    /// <summary>Runs the app as its Main would; waits until it is ready.</summary>
    public async Task<WorkerApp> ServeAsync()
    {
        _running = App.App.RunAsync();
        Assert.Equal("hello", (await Lifeline.ReceiveAsync()).Type);
        Assert.Equal("ready", (await Lifeline.ReceiveAsync()).Type);
        return this;
    }

    /// <summary>Waits until the app's Main would return.</summary>
    public Task StoppedAsync() => _running!.WaitAsync(Wait.Limit);

    public Task UntilStateAsync(WorkerState state) =>
        Wait.UntilAsync(() => Heartbeat is { HasBeat: true } reading && reading.Beat.State == state && Board.State == state, $"{state}");

    public async ValueTask DisposeAsync()
    {
        if (_running is null)
        {
            await App.App.DisposeAsync();
        }
        else
        {
            _lifetime.StopApplication();
            await _running.WaitAsync(Wait.Limit);
        }

        Worker.Dispose();
        Lifeline.Dispose();
        _folder.Dispose();
    }

    private static T Read<T>(string path, Func<Microsoft.Win32.SafeHandles.SafeFileHandle, T> read)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return read(file);
    }
}

/// <summary>Keeps how the process would have been ended by force.</summary>
internal sealed class RecordedExit : ForcedExit
{
    private readonly ConcurrentQueue<(int Code, string Reason)> _exits = new();

    public IReadOnlyCollection<(int Code, string Reason)> Exits => _exits;

    public override void Leave(int exitCode, string reason) => _exits.Enqueue((exitCode, reason));
}

/// <summary>A hosted service whose start and stop wait until the test lets them.</summary>
internal sealed class GatedService : IHostedService
{
    private readonly TaskCompletionSource _mayStart = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _mayStop = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public GatedService(bool start = false, bool stop = false)
    {
        if (!start)
        {
            _mayStart.SetResult();
        }

        if (!stop)
        {
            _mayStop.SetResult();
        }
    }

    public void LetStart() => _mayStart.TrySetResult();

    public void LetStop() => _mayStop.TrySetResult();

    public Task StartAsync(CancellationToken cancellationToken) => _mayStart.Task;

    public Task StopAsync(CancellationToken cancellationToken) => _mayStop.Task;
}
