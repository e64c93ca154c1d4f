using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Binding;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>The transport that serves an app, in a test that must hold for all of them.</summary>
public enum ServedBy
{
    /// <summary>Kestrel's own transport: the reference.</summary>
    Stock,

    /// <summary>Our portable backend.</summary>
    Sockets,

    /// <summary>Our event loops, with the app inline on their threads, guarded.</summary>
    EpollAdaptive,

    /// <summary>Our event loops, with the app inline on their threads, unguarded.</summary>
    EpollInline,

    /// <summary>Our event loops, with the app on the thread pool.</summary>
    EpollThreadPool,
}

/// <summary>An app over one of the transports, on a free port of 127.0.0.1.</summary>
internal sealed class ServedApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ServedApp(WebApplication app) => _app = app;

    public static TheoryData<ServedBy> ByAll => [.. Enum.GetValues<ServedBy>()];

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public TransportState State => _app.Services.GetRequiredService<TransportState>();

    public IServiceProvider Services => _app.Services;

    public LogLines Logs { get; private init; } = new();

    public IReadOnlyCollection<IServedConnection> Connections => Services.GetRequiredService<Lazy<ITransportBackend>>().Value.Connections();

    /// <summary>The connection of the client with this port; null before it is accepted.</summary>
    public IServedConnection? ConnectionFrom(int port) =>
        Connections.SingleOrDefault(one => ((ConnectionContext)one).RemoteEndPoint is IPEndPoint remote && remote.Port == port);

    /// <summary>Stops as a signal does, waiting for requests in flight.</summary>
    public Task StopAsync()
    {
        _app.Services.GetService<StopCause>()?.Tell();
        return _app.StopAsync();
    }

    /// <summary>Stops as the code that owns the host does.</summary>
    public Task StopByOwnerAsync() => _app.StopAsync();

    /// <summary>An app that serves HTTP.</summary>
    public static Task<ServedApp> StartAsync(
        ServedBy by,
        Action<WebApplication> map,
        Action<ListenOptions>? listen = null,
        Action<KestrelServerOptions>? kestrel = null,
        Action<GreenTransportOptions>? configure = null,
        Action<WebApplicationBuilder>? build = null) =>
        StartAsync(by, map, configure, build, options =>
        {
            kestrel?.Invoke(options);
            options.Listen(IPAddress.Loopback, 0, listen ?? (static _ => { }));
        });

    /// <summary>An app that handles raw connections.</summary>
    public static Task<ServedApp> RunAsync(
        ServedBy by,
        Func<ConnectionContext, Task> handle,
        Action<GreenTransportOptions>? configure = null,
        Action<WebApplicationBuilder>? build = null,
        Action<ListenOptions>? listen = null) =>
        StartAsync(by, static _ => { }, configure, build, options => options.Listen(IPAddress.Loopback, 0, endpoint =>
        {
            listen?.Invoke(endpoint);
            endpoint.Run(connection => handle(connection));
        }));

    public async Task<Socket> ConnectAsync(Action<Socket>? before = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 60_000, SendTimeout = 60_000 };
        before?.Invoke(socket);
        await socket.ConnectAsync(IPAddress.Loopback, Address.Port);
        return socket;
    }

    public HttpClient CreateClient() => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = Address, Timeout = Wait.Limit };

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private static async Task<ServedApp> StartAsync(
        ServedBy by, Action<WebApplication> map, Action<GreenTransportOptions>? configure, Action<WebApplicationBuilder>? build, Action<KestrelServerOptions> kestrel)
    {
        var builder = WebApplication.CreateSlimBuilder();
        var logs = new LogLines();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<ILoggerFactory>(logs);
        build?.Invoke(builder);
        builder.WebHost.ConfigureKestrel(kestrel);
        if (by != ServedBy.Stock)
        {
            builder.WebHost.UseGreenTransport(options =>
            {
                options.Backend = by == ServedBy.Sockets ? GreenTransportBackend.Sockets : GreenTransportBackend.Epoll;
                options.Scheduling = by switch
                {
                    ServedBy.EpollInline => GreenTransportScheduling.Inline,
                    ServedBy.EpollThreadPool => GreenTransportScheduling.ThreadPool,
                    _ => GreenTransportScheduling.Adaptive,
                };
                configure?.Invoke(options);
            });
        }
        else
        {
            var limits = new GreenTransportOptions();
            configure?.Invoke(limits);
            builder.WebHost.UseSockets(options =>
            {
                options.MaxReadBufferSize = limits.MaxReadBufferSize;
                options.MaxWriteBufferSize = limits.MaxWriteBufferSize;
            });
        }

        var app = builder.Build();
        map(app);
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new ServedApp(app) { Logs = logs };
    }
}
