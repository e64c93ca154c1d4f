using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Tests.Hosting;

/// <summary>The obsolete WebHost, which does not run the lifecycle of hosted services, and stops its server before them.</summary>
public class LegacyHostingTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_serves_and_drains_when_it_stops(bool ours)
    {
        var begun = new TaskCompletionSource();
        var mayAnswer = new TaskCompletionSource();
        var logs = new LogLines();
        using var host = Start(ours, logs, async context =>
        {
            begun.TrySetResult();
            await mayAnswer.Task;
            await context.Response.WriteAsync("late");
        });
        using var client = await ConnectAsync(host);
        await client.SendAsync(Get);
        await Wait.ForAsync(begun.Task);
        var stopping = host.StopAsync();
        await Wait.UntilAsync(async () => await RefusesAsync(host), "new clients are refused");
        mayAnswer.SetResult();
        Assert.Contains("late", await Wait.ForAsync(client.ReceiveAllAsync()), StringComparison.Ordinal);
        await Wait.ForAsync(stopping);
        Assert.Equal(ours ? 1 : 0, logs.Count(20));
    }

    [Fact]
    public async Task A_listener_that_it_inherited_is_served_although_the_app_names_none()
    {
        using var tcp = Listeners.Tcp();
        using var host = Start(ours: true, new LogLines(), static context => context.Response.WriteAsync("hello"), Listeners.Inherit(tcp));
        Assert.Equal("hello", await TestApp.GetAsync(tcp.LocalEndPoint!));
        await Wait.ForAsync(host.StopAsync());
    }

#pragma warning disable ASPDEPR004, ASPDEPR008 // That it is obsolete is why it is tested.
    private static IWebHost Start(bool ours, LogLines logs, RequestDelegate handle, InheritedSockets? inherited = null)
    {
        var builder = Microsoft.AspNetCore.WebHost.CreateDefaultBuilder().ConfigureLogging(logging => logging.ClearProviders().AddProvider(logs)).Configure(app => app.Run(handle));
        if (inherited is null)
        {
            builder.UseUrls("http://127.0.0.1:0");
        }

        if (ours)
        {
            builder.UseGreenTransport(static _ => { }, inherited ?? new InheritedSockets([], isWorker: false), new Settings.NoVariables());
        }

        var host = builder.Build();
        host.Start();
        return host;
    }

    private static async Task<Socket> ConnectAsync(IWebHost host)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(host.ServerFeatures.Get<IServerAddressesFeature>()!.Addresses.First()).Port);
        return socket;
    }

    private static async Task<bool> RefusesAsync(IWebHost host)
    {
        try
        {
            (await ConnectAsync(host)).Dispose();
            return false;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }
}
#pragma warning restore ASPDEPR004, ASPDEPR008
