using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Leading;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Tests.Supervision;
using KestrelGreenTransport.Worker;
using Microsoft.AspNetCore.Builder;

namespace KestrelGreenTransport.Tests.Worker;

/// <summary>Several hosts in one worker process: one worker state, and each address its own host.</summary>
public sealed class WorkerHostsTests : IDisposable
{
    private readonly ConcurrentQueue<string> _asked = [];
    private readonly TemporaryFolder _folder = new();
    private readonly TestLifeline _lifeline = new();
    private readonly RecordedExit _exit = new();
    private readonly WorkerContract _contract;
    private readonly ProcessWorker _worker;
    private readonly Socket _publicly = Listeners.Tcp();
    private readonly Socket _admin = Listeners.Tcp();
    private readonly InheritedSockets _inherited;

    public WorkerHostsTests()
    {
        _contract = new WorkerContract
        {
            Index = 2,
            Generation = 1,
            Listeners = [],
            ControlDescriptor = _lifeline.WorkersDescriptor,
            HeartbeatFile = _folder.File("worker-2.beat"),
            HeartbeatInterval = TimeSpan.FromMilliseconds(20),
            BoardFile = _folder.File("board"),
            StartsClosed = true,
        };
        File.WriteAllBytes(_contract.HeartbeatFile, []);
        File.WriteAllBytes(_contract.BoardFile, []);
        _worker = new ProcessWorker(_contract, Leadership.Of(_contract), _exit);
        _inherited = Listeners.Inherit(_publicly, _admin);
    }

    public void Dispose()
    {
        _worker.Dispose();
        _lifeline.Dispose();
        _publicly.Dispose();
        _admin.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_worker_is_ready_when_all_hosts_are_and_each_address_is_answered_by_its_own_host()
    {
        Assert.Equal("hello", (await _lifeline.ReceiveAsync()).Type);
        await using var publicly = Create("public", _publicly);
        await using var admin = Create("admin", _admin);
        await publicly.App.StartAsync();
        await Wait.UntilAsync(() => Board.Pid == Environment.ProcessId, "the board");
        Assert.Null(_lifeline.TryReceive());
        Assert.Equal(WorkerState.Booting, Board.State);

        await admin.App.StartAsync();
        Assert.Equal("ready", (await _lifeline.ReceiveAsync()).Type);
        await UntilStateAsync(WorkerState.Standby);
        var early = TestApp.GetAsync(_admin.LocalEndPoint!);
        _lifeline.Send("""{"type":"open"}""");
        Assert.Equal("admin", await early);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("public", await TestApp.GetAsync(_publicly.LocalEndPoint!));
            Assert.Equal("admin", await TestApp.GetAsync(_admin.LocalEndPoint!));
        }

        await Wait.UntilAsync(() => Board is { Requests: 21, Accepted: 21, Slots: 2000, State: WorkerState.Serving }, "the figures of both hosts on the board");
        await Wait.UntilAsync(() => _lifeline.TryReceive() is { Type: LifelineTypes.Stats, Requests: 21 }, "the answers of both hosts in one message");
    }

    [Fact]
    public async Task A_warm_up_asks_each_host_and_a_drain_stops_all()
    {
        await using var publicly = Create("public", _publicly);
        await using var admin = Create("admin", _admin);
        var running = new[] { publicly.App.RunAsync(), admin.App.RunAsync() };
        Assert.Equal("hello", (await _lifeline.ReceiveAsync()).Type);
        Assert.Equal("ready", (await _lifeline.ReceiveAsync()).Type);
        _lifeline.Send("""{"type":"warm","path":"/"}""");
        Assert.Equal(("warmed", null), await _lifeline.ReceiveAsync() is var warmed ? (warmed.Type, warmed.Message) : default);
        Assert.Equal(["admin", "public"], _asked.Order());
        Assert.Equal(0, Board.Requests);
        _lifeline.Send("""{"type":"open"}""");
        await UntilStateAsync(WorkerState.Serving);

        _lifeline.Send("""{"type":"drain","deadlineMs":60000}""");
        await Wait.ForAsync(Task.WhenAll(running));
        Assert.Equal(WorkerState.Draining, Board.State);
    }

    [Fact]
    public async Task A_beat_passes_through_the_loops_of_all_hosts()
    {
        await using var publicly = Create("public", _publicly);
        await using var admin = Create("admin", _admin);
        await publicly.App.StartAsync();
        await admin.App.StartAsync();
        await UntilStateAsync(WorkerState.Standby);

        var stuck = new FakeLoop();
        admin.State.Add(stuck);
        await Wait.UntilAsync(() => stuck.Questions == 1, "the question to the stuck loop");
        var beats = Beats;
        var asked = Board.WrittenAt;
        await Wait.UntilAsync(() => Board.WrittenAt - asked > 20 * TimeSpan.FromMilliseconds(20).ToNanoseconds(), "twenty intervals");
        Assert.True(Beats <= beats + 1, "the beat under way may have ended, no more");
        admin.State.Remove(stuck);
        await Wait.UntilAsync(() => Beats > beats + 3, "beats again");
    }

    [Fact]
    public async Task Two_hosts_one_after_the_other_are_one_worker()
    {
        await using (var first = Create("first", _publicly, _admin))
        {
            await first.App.StartAsync();
            Assert.Equal("hello", (await _lifeline.ReceiveAsync()).Type);
            Assert.Equal("ready", (await _lifeline.ReceiveAsync()).Type);
            _lifeline.Send("""{"type":"open"}""");
            Assert.Equal("first", await TestApp.GetAsync(_publicly.LocalEndPoint!));
            await first.App.StopAsync();
        }

        var beats = Beats;
        await Wait.UntilAsync(() => Beats > beats + 2, "beats between the hosts");
        Assert.Equal(WorkerState.Serving, Board.State);

        var second = Create("second", _publicly, _admin);
        var running = second.App.RunAsync();
        Assert.Equal("second", await TestApp.GetAsync(_publicly.LocalEndPoint!));
        await Wait.UntilAsync(() => Board is { Requests: 2, Slots: 2000, State: WorkerState.Serving }, "the board continues");
        _lifeline.Send("""{"type":"drain","deadlineMs":60000}""");
        await Wait.ForAsync(running);
        Assert.Equal(WorkerState.Draining, Board.State);
        Assert.Null(_lifeline.TryReceive() is { Type: not LifelineTypes.Stats } other ? other : null);
    }

    [Fact]
    public async Task One_host_of_two_may_be_stopped_and_the_other_keeps_serving()
    {
        await using var publicly = Create("public", _publicly);
        await using var admin = Create("admin", _admin);
        await publicly.App.StartAsync();
        await admin.App.StartAsync();
        _lifeline.Send("""{"type":"open"}""");
        await UntilStateAsync(WorkerState.Serving);
        await admin.App.StopAsync();
        Assert.Equal("public", await TestApp.GetAsync(_publicly.LocalEndPoint!));
        Assert.Equal(WorkerState.Serving, Board.State);

        // The last one that stops the process takes the worker along.
        publicly.App.Lifetime.StopApplication();
        await UntilStateAsync(WorkerState.Draining);
    }

    [Fact]
    public async Task A_host_that_is_built_after_the_supervisor_said_drain_stops_too()
    {
        await using var first = Create("first", _publicly, _admin);
        var running = first.App.RunAsync();
        Assert.Equal("hello", (await _lifeline.ReceiveAsync()).Type);
        Assert.Equal("ready", (await _lifeline.ReceiveAsync()).Type);
        _lifeline.Send("""{"type":"drain","deadlineMs":60000}""");
        await Wait.ForAsync(running);
        await using var late = TestApp.Create(build: builder => builder.Services.AddGreenWorker(_worker));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Wait.ForAsync(late.App.RunAsync()));
    }

    [Fact]
    public async Task An_address_of_one_host_is_refused_to_another_and_said_why()
    {
        using var any = Listeners.Tcp(IPAddress.Any);
        var port = ((IPEndPoint)any.LocalEndPoint!).Port;
        var inherited = Listeners.Inherit(any);
        Assert.Equal("hello", (await _lifeline.ReceiveAsync()).Type);
        await using var publicly = TestApp.Create(kestrel: options => options.Listen(IPAddress.Any, port), inherited: inherited, build: builder => builder.Services.AddGreenWorker(_worker));
        await using var admin = TestApp.Create(kestrel: options => options.Listen(IPAddress.Loopback, port), inherited: inherited, build: builder => builder.Services.AddGreenWorker(_worker));
        await publicly.App.StartAsync();
        var refused = await Assert.ThrowsAsync<IOException>(() => admin.App.StartAsync());
        Assert.StartsWith(
            $"The app configures the endpoint tcp://127.0.0.1:{port}, but another host of this process already serves tcp://0.0.0.0:{port}.", refused.Message, StringComparison.Ordinal);
        var failed = await _lifeline.ReceiveAsync();
        Assert.Equal(("failed", 4, refused.Message), (failed.Type, failed.ExitCode, failed.Message));
    }

    [Fact]
    public async Task A_host_that_names_nothing_where_nothing_is_left_is_refused()
    {
        await using var publicly = Create("public", _publicly, _admin);
        await using var other = TestApp.Create(inherited: _inherited, build: builder => builder.Services.AddGreenWorker(_worker));
        await publicly.App.StartAsync();
        var refused = await Assert.ThrowsAsync<IOException>(() => other.App.StartAsync());
        Assert.StartsWith("A host of the app names no endpoint, but other hosts of this process already serve every listener that it inherited:", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_builder_that_is_never_built_is_waited_for_ten_seconds()
    {
        var life = new WorkerLife();
        var hosts = new WorkerHosts(life);
        _ = hosts.Expect();
        var host = hosts.Expect();
        hosts.Starting(host, null!);
        Assert.False(hosts.GiveUpExpecting(long.MaxValue / 2));
        Assert.False(hosts.Started(host, now: 5));
        Assert.False(hosts.GiveUpExpecting(5 + WorkerHosts.ExpectedFor.ToNanoseconds() - 1));
        Assert.True(hosts.GiveUpExpecting(5 + WorkerHosts.ExpectedFor.ToNanoseconds()));
        Assert.Equal(WorkerState.Serving, life.State);
    }

    private BoardRecord Board => Read(_contract.BoardFile!, file =>
    {
        var board = new BoardFileReader(file);
        board.Refresh(_contract.Index);
        return board.TryGet(_contract.Index, out var record) ? record : default;
    });

    private long Beats => Read(_contract.HeartbeatFile!, HeartbeatFileReader.Read).Beat.Beats;

    private Task UntilStateAsync(WorkerState state) => Wait.UntilAsync(() => Board.State == state, $"{state}");

    private TestApp Create(string name, params Socket[] endpoints) => TestApp.Create(
        kestrel: options => Array.ForEach(endpoints, one => options.Listen((IPEndPoint)one.LocalEndPoint!)),
        map: app => app.MapGet("/", () =>
        {
            _asked.Enqueue(name);
            return name;
        }),
        build: builder => builder.Services.AddGreenWorker(_worker),
        inherited: _inherited);

    private static T Read<T>(string path, Func<Microsoft.Win32.SafeHandles.SafeFileHandle, T> read)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return read(file);
    }
}
