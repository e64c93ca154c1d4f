using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Tests.Supervision;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace KestrelGreenTransport.Tests.Binding;

public class InheritedListenerTests
{
    [Fact]
    public async Task A_worker_without_endpoints_serves_everything_it_inherited()
    {
        using var folder = new TemporaryFolder();
        using var tcp = Listeners.Tcp();
        using var six = Listeners.Tcp(IPAddress.IPv6Loopback);
        using var unix = Listeners.Unix(new UnixDomainSocketEndPoint(folder.File("app.sock")));
        using var odd = Listeners.Unix(new UnixDomainSocketEndPoint(folder.File("a:b;c%20d.sock")));
        using var hidden = Listeners.Unix(new UnixDomainSocketEndPoint($"\0green-test-{Guid.NewGuid():N}"));
        Socket[] all = [tcp, six, unix, odd, hidden];
        await using var app = await TestApp.StartAsync(inherited: Listeners.Inherit(all));
        foreach (var socket in all)
        {
            Assert.Equal("hello", await TestApp.GetAsync(socket.LocalEndPoint!));
        }

        Assert.Equal(all.Select(Name), app.State.Pools.Select(pool => pool.Endpoint));
        Assert.Contains($"http://unix:{hidden.LocalEndPoint}", app.Addresses);
    }

    [Fact]
    public async Task What_the_environment_says_of_urls_gives_way_to_what_was_inherited()
    {
        using var tcp = Listeners.Tcp();
        await using var app = await TestApp.StartAsync(
            inherited: Listeners.Inherit(tcp), build: builder => builder.WebHost.UseUrls("http://127.0.0.1:1;http://*:2"));
        Assert.Equal([$"http://{tcp.LocalEndPoint}"], app.Addresses);
        Assert.Equal("hello", await TestApp.GetAsync(tcp.LocalEndPoint!));
    }

    [Fact]
    public async Task An_endpoint_of_the_app_is_answered_by_an_inherited_wildcard()
    {
        using var any = Listeners.Tcp(IPAddress.IPv6Any);
        var port = PortOf(any);
        await using var app = await TestApp.StartAsync(kestrel: options => options.Listen(IPAddress.Loopback, port), inherited: Listeners.Inherit(any));
        Assert.Equal("hello", await TestApp.GetAsync(new IPEndPoint(IPAddress.Loopback, port)));
    }

    [Fact]
    public async Task The_exact_listener_comes_before_a_wildcard()
    {
        using var any = Listeners.Tcp(IPAddress.Any);
        var inherited = Listeners.Inherit(any);
        var exact = new IPEndPoint(IPAddress.Loopback, PortOf(any));
        using var pair = Listeners.Tcp();
        var both = new InheritedSockets(
            [inherited.Find(exact)!, InheritedSocket.Adopt(new InheritedListener(Listeners.Duplicate(pair), ListenEndpoint.Tcp(exact)))], isWorker: true);
        Assert.Equal($"tcp://{exact}", both.Find(exact)!.Endpoint.ToString());
        Assert.Equal($"tcp://{any.LocalEndPoint}", both.Find(new IPEndPoint(IPAddress.Parse("127.0.0.2"), exact.Port))!.Endpoint.ToString());
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Two_endpoints_share_one_inherited_listener_and_its_pool()
    {
        using var any = Listeners.Tcp(IPAddress.IPv6Any);
        var port = PortOf(any);
        await using var app = await TestApp.StartAsync(kestrel: options => options.ListenLocalhost(port), inherited: Listeners.Inherit(any));
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("hello", await TestApp.GetAsync(new IPEndPoint(IPAddress.Loopback, port)));
            Assert.Equal("hello", await TestApp.GetAsync(new IPEndPoint(IPAddress.IPv6Loopback, port)));
        }

        Assert.Equal(10, app.Pool.Accepted);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task Localhost_is_content_with_one_inherited_loopback_address(string address)
    {
        using var tcp = Listeners.Tcp(IPAddress.Parse(address));
        using var supervisor = new TestLifeline();
        await using (var app = await TestApp.StartAsync(
            kestrel: options => options.ListenLocalhost(PortOf(tcp)), inherited: Listeners.Inherit(tcp), build: Report(supervisor)))
        {
            Assert.Equal("hello", await TestApp.GetAsync(tcp.LocalEndPoint!));
        }

        Assert.Empty(supervisor.Failures());
    }

    [Fact]
    public async Task Localhost_that_nobody_inherited_fails_with_the_reason()
    {
        using var tcp = Listeners.Tcp();
        using var supervisor = new TestLifeline();
        var error = await Assert.ThrowsAsync<IOException>(() => TestApp.StartAsync(
            kestrel: Both(tcp, static options => options.ListenLocalhost(1)), inherited: Listeners.Inherit(tcp), build: Report(supervisor)));
        Assert.Contains("tcp://127.0.0.1:1,", error.Message, StringComparison.Ordinal);
        Assert.Equal([$"4 {error.Message}"], supervisor.Failures());
    }

    [Fact]
    public async Task An_endpoint_that_was_not_inherited_fails_the_worker_with_both_ways_out()
    {
        using var tcp = Listeners.Tcp();
        using var supervisor = new TestLifeline();
        var error = await Assert.ThrowsAsync<IOException>(() => TestApp.StartAsync(
            kestrel: Both(tcp, static options => options.Listen(IPAddress.Any, 5001)), inherited: Listeners.Inherit(tcp), build: Report(supervisor)));
        Assert.Equal(
            $"The app configures the endpoint tcp://0.0.0.0:5001, which this worker did not inherit: it inherited tcp://{tcp.LocalEndPoint}. "
            + "Remove the endpoint from the app (Kestrel:Endpoints in its configuration, or Listen...() in code), or give it to the supervisor too: -b 0.0.0.0:5001.",
            error.Message);
        Assert.Equal([$"4 {error.Message}"], supervisor.Failures());
    }

    [Fact]
    public async Task A_loopback_address_whose_other_half_was_inherited_fails_the_worker_too_when_it_is_asked_for_by_itself()
    {
        using var six = Listeners.Tcp(IPAddress.IPv6Loopback);
        using var supervisor = new TestLifeline();
        await Assert.ThrowsAsync<InvalidOperationException>(() => TestApp.StartAsync(
            kestrel: Both(six, options => options.Listen(IPAddress.Loopback, PortOf(six))), inherited: Listeners.Inherit(six), build: Report(supervisor)));
        Assert.StartsWith("4 The app configures the endpoint tcp://127.0.0.1:", Assert.Single(supervisor.Failures()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_inherited_listener_that_no_endpoint_uses_fails_the_worker_by_name()
    {
        using var used = Listeners.Tcp();
        using var unused = Listeners.Tcp();
        using var supervisor = new TestLifeline();
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => TestApp.StartAsync(
            kestrel: options => options.Listen((IPEndPoint)used.LocalEndPoint!), inherited: Listeners.Inherit(used, unused), build: Report(supervisor)));
        Assert.StartsWith($"No endpoint of the app uses the inherited listener tcp://{unused.LocalEndPoint}:", error.Message, StringComparison.Ordinal);
        Assert.Equal([$"4 {error.Message}"], supervisor.Failures());
    }

    [Fact]
    public async Task A_worker_that_stops_leaves_its_sibling_accepting_and_the_path_in_place()
    {
        using var folder = new TemporaryFolder();
        using var tcp = Listeners.Tcp();
        using var unix = Listeners.Unix(new UnixDomainSocketEndPoint(folder.File("app.sock")));
        await using var stays = await TestApp.StartAsync(inherited: Listeners.Inherit(tcp, unix));
        for (var i = 0; i < 10; i++)
        {
            await using (await TestApp.StartAsync(inherited: Listeners.Inherit(tcp, unix)))
            {
                Assert.Equal("hello", await TestApp.GetAsync(tcp.LocalEndPoint!));
            }

            Assert.Equal("hello", await TestApp.GetAsync(tcp.LocalEndPoint!));
            Assert.Equal("hello", await TestApp.GetAsync(unix.LocalEndPoint!));
        }

        // .NET sets this when it closes a socket in use, and so for every process that shares the socket.
        Assert.False(tcp.LingerState!.Enabled);
        Assert.False(unix.LingerState!.Enabled);
    }

    [Fact]
    public async Task Once_everybody_gave_a_listener_up_clients_are_refused_and_queue_for_nobody()
    {
        var tcp = Listeners.Tcp();
        var endPoint = tcp.LocalEndPoint!;
        var app = await TestApp.StartAsync(inherited: Listeners.Inherit(tcp));
        tcp.Dispose();
        Assert.Equal("hello", await TestApp.GetAsync(endPoint));
        app.App.Lifetime.StopApplication();
        await app.App.StopAsync();
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var refused = await Assert.ThrowsAsync<SocketException>(async () => await client.ConnectAsync(endPoint));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        await app.DisposeAsync();
    }

    [Fact]
    public async Task A_host_that_its_own_code_stops_leaves_the_sockets_to_the_next_one()
    {
        using var tcp = Listeners.Tcp();
        var inherited = Listeners.Inherit(tcp);
        for (var i = 0; i < 3; i++)
        {
            var app = await TestApp.StartAsync(inherited: inherited);
            Assert.Equal("hello", await TestApp.GetAsync(tcp.LocalEndPoint!));
            await app.App.StopAsync();
            await app.DisposeAsync();
        }
    }

    [Fact]
    public void A_descriptor_that_is_no_listener_is_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        using var file = File.Create(folder.File("file"));
        var fileNumber = (int)file.SafeFileHandle.DangerousGetHandle();
        using var idle = new Socket(SocketType.Stream, ProtocolType.Tcp);
        Assert.True(ListenEndpoint.TryParse("tcp://127.0.0.1:80", out var endpoint));
        Assert.Contains($"descriptor {fileNumber} is not a listening stream socket", Refusal(fileNumber), StringComparison.Ordinal);
        Assert.Contains("is not a listening stream socket", Refusal((int)idle.Handle), StringComparison.Ordinal);
        Assert.Contains("descriptor 60000 cannot be used", Refusal(60_000), StringComparison.Ordinal);

        string Refusal(int descriptor) => Assert.Throws<IOException>(() => InheritedSocket.Adopt(new InheritedListener(descriptor, endpoint))).Message;
    }

    [Fact]
    public async Task Endpoints_of_the_app_that_are_all_elsewhere_give_way_to_what_was_inherited()
    {
        using var tcp = Listeners.Tcp();
        await using var app = await TestApp.StartAsync(kestrel: static options => options.Listen(IPAddress.Any, 5001), inherited: Listeners.Inherit(tcp));
        Assert.Equal([$"http://{tcp.LocalEndPoint}"], app.Addresses);
        Assert.Equal("hello", await TestApp.GetAsync(tcp.LocalEndPoint!));
    }

    // An app that names the inherited listener as well means its other endpoints literally.
    private static Action<Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions> Both(
        Socket inherited, Action<Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions> more) => options =>
        {
            options.Listen((IPEndPoint)inherited.LocalEndPoint!);
            more(options);
        };

    private static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    private static string Name(Socket socket) => ListenEndpoint.Of(socket.LocalEndPoint!).ToString();

    private static Action<Microsoft.AspNetCore.Builder.WebApplicationBuilder> Report(TestLifeline supervisor) => builder =>
        builder.Services.AddSingleton(supervisor.Open());
}
