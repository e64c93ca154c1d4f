using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Runtime;

namespace KestrelGreenTransport.Supervisor.Tests.Runtime;

public class ListenerBinderTests
{
    private static readonly BindEndpoint AnyPort = new("127.0.0.1:0", ListenEndpoint.Tcp(new IPEndPoint(IPAddress.Loopback, 0)));

    [Fact]
    public void Port_zero_becomes_the_port_that_the_kernel_chose()
    {
        var bound = Bind(Plan(AnyPort));

        Assert.NotEqual(0, Assert.Single(bound).Endpoint.IP!.Port);
        bound[0].Dispose();
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
        Assert.Contains("unix:/nowhere/app.sock: there is no such folder", refused.Message, StringComparison.Ordinal);
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

    private static System.Collections.Immutable.ImmutableArray<BoundListener> Bind(LaunchPlan plan) =>
        ListenerBinder.Bind(plan, StoredSockets.Of(static _ => null));

    private static LaunchPlan Plan(params BindSpec[] binds) => new()
    {
        Options = new GreenSupervisorOptions(),
        App = new AppCommand("/bin/true", [], "true"),
        Renew = static _ => (null, []),
        Binds = [.. binds],
        Name = "test",
    };
}
