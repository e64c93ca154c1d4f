using System.Net.Sockets;
using System.Text;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Tests.Draining;

/// <summary>What an app may expect from a stop, with any transport.</summary>
public class StopTests
{
    private const string GetAndClose = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

    public static TheoryData<ServedBy> ByAll => [ServedBy.Stock, ServedBy.Sockets, ServedBy.EpollAdaptive];

    public static TheoryData<ServedBy, bool, bool> RawByAll =>
    [
        .. from transport in (ServedBy[])[ServedBy.Stock, ServedBy.Sockets, ServedBy.EpollAdaptive]
           from byOwner in (bool[])[false, true]
           from overTls in (bool[])[false, true]
           select new TheoryDataRow<ServedBy, bool, bool>(transport, byOwner, overTls),
    ];

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task New_clients_are_served_while_a_callback_of_ApplicationStopping_waits(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/", static () => "hello"));
        var lifetime = app.Services.GetRequiredService<IHostApplicationLifetime>();
        var sleeps = new TaskCompletionSource();
        using var wakes = new ManualResetEventSlim();
        lifetime.ApplicationStopping.Register(() =>
        {
            sleeps.SetResult();
            wakes.Wait();
        });

        // As a signal does in app.Run().
        app.Services.GetService<StopCause>()?.Tell();
        var told = Task.Factory.StartNew(lifetime.StopApplication, TaskCreationOptions.LongRunning);
        await Wait.ForAsync(sleeps.Task);
        var stopping = Task.Run(app.StopByOwnerAsync);
        for (var i = 0; i < 20; i++)
        {
            using var client = await app.ConnectAsync();
            await client.SendAsync(GetAndClose);
            Assert.Contains("hello", await Wait.ForAsync(client.ReceiveAllAsync()), StringComparison.Ordinal);
            await Task.Yield();
        }

        Assert.False(stopping.IsCompleted);
        wakes.Set();
        await Wait.ForAsync(Task.WhenAll(told, stopping));
        await Assert.ThrowsAsync<SocketException>(() => app.ConnectAsync());
    }

    [Theory]
    [MemberData(nameof(RawByAll))]
    public async Task A_handler_of_bare_connections_is_told_and_says_good_bye(ServedBy by, bool byOwner, bool overTls)
    {
        using var certificate = Certificates.SelfSigned("localhost");
        await using var app = await ServedApp.RunAsync(by, SayGoodByeAsync, listen: listen =>
        {
            if (overTls)
            {
                listen.UseHttps(certificate);
            }
        });
        using var socket = await app.ConnectAsync();
        await using Stream stream = overTls ? await OverTlsAsync(socket) : new NetworkStream(socket);
        await stream.WriteAsync("hello"u8.ToArray());
        var echoed = new byte[5];
        await stream.ReadExactlyAsync(echoed);
        Assert.Equal("hello", Encoding.ASCII.GetString(echoed));

        var stopping = byOwner ? app.StopByOwnerAsync() : app.StopAsync();
        Assert.Equal("bye", await Wait.ForAsync(new StreamReader(stream).ReadToEndAsync()));
        await Wait.ForAsync(stopping);
        Assert.Equal(0, app.Logs.Count(21));
    }

    private static async Task SayGoodByeAsync(ConnectionContext connection)
    {
        var (input, output) = (connection.Transport.Input, connection.Transport.Output);
        using var told = connection.Features.Get<IConnectionLifetimeNotificationFeature>()!.ConnectionClosedRequested.Register(input.CancelPendingRead);
        while (await input.ReadAsync() is { IsCanceled: false, IsCompleted: false } read)
        {
            foreach (var piece in read.Buffer)
            {
                await output.WriteAsync(piece);
            }

            input.AdvanceTo(read.Buffer.End);
        }

        await output.WriteAsync("bye"u8.ToArray());
    }

    private static async Task<System.Net.Security.SslStream> OverTlsAsync(Socket socket)
    {
        var stream = new System.Net.Security.SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, static (_, certificate, _, _) => certificate is not null);
        await stream.AuthenticateAsClientAsync("localhost");
        return stream;
    }
}
