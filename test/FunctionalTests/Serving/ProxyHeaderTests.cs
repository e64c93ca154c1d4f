using System.Net;
using System.Net.Sockets;
using FunctionalTests.Harness;

namespace FunctionalTests.Serving;

/// <summary>A real proxy in front that sends PROXY headers.</summary>
public sealed class ProxyHeaderTests
{
    [Theory]
    [InlineData("send-proxy", "V1")]
    [InlineData("send-proxy-v2", "V2")]
    [InlineData("send-proxy-v2", "Any")]
    public async Task The_app_sees_the_client_of_HAProxy_and_warms_itself_without_a_header(string sends, string takes)
    {
        await using var green = GreenRun.Start(["-w", "2", "--warm-up", "/print?lines=1&text=warmed", "--warm-up-time", "5s", "--proxy-protocol", takes]);
        await green.Serving(2);
        await green.Process.Line("warmed 1");
        Assert.DoesNotContain("the warm-up of worker", green.Process.Output, StringComparison.Ordinal);
        var direct = await green.Target();

        using var home = new TemporaryFolder();
        using var front = new FreePort();
        var settings = home.File("haproxy.cfg");
        await File.WriteAllTextAsync(settings, $"""
            global
                maxconn 100
            defaults
                mode tcp
                timeout connect 30s
                timeout client 30s
                timeout server 30s
            listen front
                bind 127.0.0.1:{front.Release()}
                server green 127.0.0.1:{direct.Port} {sends}

            """);
        await using var proxy = ChildProgram.Start("haproxy", ["-db", "-f", settings], [], home.Path);
        using var client = From("127.0.0.7");
        var seen = await Eventually.Get(
            "HAProxy passes a request on", () => client.GetStringAsync(new Uri($"http://127.0.0.1:{front.Number}/remote")), static _ => true, proxy.Describe);
        Assert.Equal("127.0.0.7", seen);

        // Who comes without a header would be believed to be the proxy.
        using var bare = From("127.0.0.1");
        await Assert.ThrowsAsync<HttpRequestException>(() => bare.GetStringAsync(new Uri($"http://127.0.0.1:{direct.Port}/remote")));
        Kernel.Signal(proxy.Pid, Kernel.SIGTERM);
        await proxy.Exit();
        await green.StopCleanly();
    }

    private static HttpClient From(string address) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (context, cancellation) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });
}
