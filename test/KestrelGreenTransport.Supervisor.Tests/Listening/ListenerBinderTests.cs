using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Tests.Listening;

public sealed class ListenerBinderTests : IDisposable
{
    private readonly ListenerSet _listeners = new();

    private static readonly BindEndpoint AnyPort = new("127.0.0.1:0", ListenEndpoint.Tcp(new IPEndPoint(IPAddress.Loopback, 0)));

    [Fact]
    public void Port_zero_becomes_the_port_that_the_kernel_chose()
    {
        var bound = Bind(Plan(AnyPort));

        Assert.NotEqual(0, Assert.Single(bound).Endpoint.IP!.Port);
        Assert.Equal(bound, _listeners.All);
    }

    [Fact]
    public void A_taken_port_is_refused_with_its_holder_and_the_next_step()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var taken = (IPEndPoint)holder.LocalEndpoint;

        var refused = Assert.Throws<StartupException>(() => Bind(Plan(new BindEndpoint(taken.ToString(), ListenEndpoint.Tcp(taken)))));

        Assert.Equal(ExitCodes.CannotBind, refused.ExitCode);
        Assert.Contains($"pid {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"Try -b 127.0.0.1:{taken.Port + 1}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_endpoint_that_the_app_gave_is_not_moved_by_an_option_that_knows_nothing_of_its_certificate()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var taken = ListenEndpoint.Tcp((IPEndPoint)holder.LocalEndpoint);
        var plan = Plan(new BindEndpoint($"https://{taken.IP}", taken));

        string[] messages = [Assert.Throws<StartupException>(() => Bind(plan)).Message, new ListenerBinder(_listeners, StoredSockets.Of(static _ => null)).BindAsked(plan, taken, "key", user: null).Error!];

        Assert.All(messages, message =>
        {
            Assert.Contains("address already in use", message, StringComparison.Ordinal);
            Assert.EndsWith("Stop that process, or change the app's endpoint.", message, StringComparison.Ordinal);
            Assert.DoesNotContain("-b", message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void When_one_cannot_be_bound_the_others_are_let_go()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var taken = (IPEndPoint)holder.LocalEndpoint;
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

        Assert.Throws<StartupException>(() => Bind(Plan(
            new BindEndpoint("unix:" + path, ListenEndpoint.Unix(path)),
            new BindEndpoint(taken.ToString(), ListenEndpoint.Tcp(taken)))));

        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_Unix_path_that_cannot_be_made_says_what_to_check()
    {
        var refused = Assert.Throws<StartupException>(
            () => Bind(Plan(new BindEndpoint("unix:/nowhere/app.sock", ListenEndpoint.Unix("/nowhere/app.sock")))));

        Assert.Equal(ExitCodes.CannotBind, refused.ExitCode);
        Assert.Contains("unix:/nowhere/app.sock: the folder does not exist", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_descriptor_that_does_not_listen_is_refused()
    {
        using var file = File.OpenHandle("/dev/null");
        var number = (int)file.DangerousGetHandle();

        var refused = Assert.Throws<StartupException>(() => Bind(Plan(new BindDescriptor($"fd://{number}", number))));

        Assert.Equal(ExitCodes.CannotBind, refused.ExitCode);
    }

    [Fact]
    public void Without_sockets_from_systemd_the_error_says_so()
    {
        var refused = Assert.Throws<StartupException>(() => Bind(Plan(new BindSystemd("systemd"))));

        Assert.Contains("LISTEN_FDS", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_held_is_shared_and_closed_with_its_last_user()
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var unix = new BindEndpoint("unix:" + path, ListenEndpoint.Unix(path));
        var first = Bind(Plan(AnyPort, unix));
        var second = Bind(Plan(unix, AnyPort, AnyPort), isStart: false);

        Assert.Equal([first[1], first[0]], second[..2]);
        Assert.NotEqual(second[1].Endpoint, second[2].Endpoint);
        Assert.Equal(3, _listeners.All.Length);

        Assert.False(_listeners.Release(first[0]) || _listeners.Release(first[1]));
        Assert.True(File.Exists(path));
        Assert.True(_listeners.Release(second[0]) && _listeners.Release(second[1]));
        Assert.False(File.Exists(path));
        Assert.Equal([second[2]], _listeners.All);
    }

    [Fact]
    public void An_address_that_overlaps_with_one_that_is_held_is_refused_with_the_way_out()
    {
        var held = Bind(Plan(AnyPort))[0].Endpoint.IP!;

        var refused = Assert.Throws<StartupException>(() => Bind(
            Plan(new BindEndpoint($"0.0.0.0:{held.Port}", ListenEndpoint.Tcp(new IPEndPoint(IPAddress.Any, held.Port)))), isStart: false));

        Assert.Contains($"this supervisor itself holds {held}, which overlaps", refused.Message, StringComparison.Ordinal);
        Assert.Single(_listeners.All);
    }

    [Fact]
    public void A_descriptor_is_taken_over_at_the_start_alone()
    {
        var refused = Assert.Throws<StartupException>(() => Bind(Plan(new BindDescriptor("fd://3", 3)), isStart: false));

        Assert.Contains("descriptors are inherited only when the supervisor starts", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_socket_that_is_held_gets_another_backlog_and_other_rights()
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var listener = Bind(Plan(new BindEndpoint("unix:" + path, ListenEndpoint.Unix(path))))[0];
        var left = File.GetUnixFileMode(path);

        Assert.Null(listener.Adjust(1, (UnixFileMode)0b110_000_000));
        Assert.Equal((1, (UnixFileMode)0b110_000_000), (listener.Backlog, File.GetUnixFileMode(path)));

        // The kernel queues one connection more than the backlog says.
        using var one = Connect(path);
        using var two = Connect(path);
        Assert.Throws<SocketException>(() => Connect(path).Dispose());
        Assert.Null(listener.Adjust(8, mode: null));
        using var three = Connect(path);
        Assert.Equal(left, File.GetUnixFileMode(path));
    }

    public void Dispose() => _listeners.Dispose();

    private static Socket Connect(string path)
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        client.Connect(new UnixDomainSocketEndPoint(path));
        return client;
    }

    private System.Collections.Immutable.ImmutableArray<BoundListener> Bind(LaunchPlan plan, bool isStart = true) =>
        new ListenerBinder(_listeners, StoredSockets.Of(static _ => null)).Bind(plan, isStart);

    private static LaunchPlan Plan(params BindSpec[] binds) => new()
    {
        Options = new GreenSupervisorOptions(),
        App = new AppCommand("/bin/true", [], "true"),
        Renew = static _ => (null, []),
        Binds = [.. binds],
        Name = "test",
    };
}
