using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervision;
using KestrelGreenTransport.Tests.Supervision;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Tests.Binding;

/// <summary>A worker whose supervisor binds the endpoints that the app asks for.</summary>
public sealed class BrokeredEndpointTests : IDisposable
{
    private readonly TestLifeline _supervisor = new();
    private readonly Lifeline _lifeline;
    private readonly BindRequests _requests;
    private readonly List<string> _failures = [];
    private readonly List<string> _asked = [];
    private Action<LifelineMessage> _answer = static _ => { };

    public BrokeredEndpointTests()
    {
        _lifeline = _supervisor.Open();
        _requests = new BindRequests(_lifeline);
    }

    public void Dispose() => _supervisor.Dispose();

    [Fact]
    public async Task The_apps_endpoints_are_served_on_the_supervisors_sockets()
    {
        using var web = Listeners.Tcp();
        AnswerWith(_ => new LifelineMessage { Type = LifelineTypes.Bound, Descriptor = Copy(web) });

        await using (var app = await Start(options => options.Listen(IPAddress.Loopback, 5000)))
        {
            Assert.Equal(["tcp://127.0.0.1:5000"], _asked);
            Assert.Equal("hello", await TestApp.GetAsync(web.LocalEndPoint!));
        }

        // The app is gone; the socket is the supervisor's, and keeps listening.
        await using var next = await Start(options => options.Listen(IPAddress.Loopback, 5000));
        Assert.Equal("hello", await TestApp.GetAsync(web.LocalEndPoint!));
    }

    [Fact]
    public async Task Endpoints_of_the_configuration_and_urls_are_asked_for_too()
    {
        using var web = Listeners.Tcp();
        AnswerWith(_ => new LifelineMessage { Type = LifelineTypes.Bound, Descriptor = Copy(web) });

        await using (await Start(build: builder => builder.Configuration.AddInMemoryCollection([new("Kestrel:Endpoints:Web:Url", "http://127.0.0.1:5000")])))
        {
        }

        await using (await Start(build: builder => builder.WebHost.UseUrls("http://127.0.0.1:5001")))
        {
        }

        await using (await Start(build: static builder => builder.WebHost.UseUrls("")))
        {
        }

        Assert.Equal(["tcp://127.0.0.1:5000", "tcp://127.0.0.1:5001", "tcp://127.0.0.1:8000"], _asked);
    }

    [Fact]
    public async Task What_the_supervisor_cannot_bind_ends_the_worker_with_its_words()
    {
        AnswerWith(static _ => new LifelineMessage { Type = LifelineTypes.Bound, Error = "held by nginx", Errno = Errno.EADDRINUSE });

        await Assert.ThrowsAsync<IOException>(() => Start(static options => options.ListenLocalhost(5000)));

        Assert.Equal(["5 held by nginx"], _failures);
    }

    [Fact]
    public async Task Localhost_is_content_with_the_address_that_the_machine_has()
    {
        using var web = Listeners.Tcp();
        AnswerWith(endpoint => endpoint.IP!.AddressFamily == AddressFamily.InterNetwork
            ? new LifelineMessage { Type = LifelineTypes.Bound, Descriptor = Copy(web) }
            : new LifelineMessage { Type = LifelineTypes.Bound, Error = "no IPv6 here", Errno = Errno.EADDRNOTAVAIL });

        await using (await Start(static options => options.ListenLocalhost(5000)))
        {
            Assert.Equal("hello", await TestApp.GetAsync(web.LocalEndPoint!));
        }

        Assert.Empty(_failures);
    }

    [Fact]
    public async Task A_supervisor_that_dies_with_the_question_ends_the_start()
    {
        _answer = _ => _requests.SupervisorGone();

        var error = await Assert.ThrowsAsync<IOException>(() => Start(static options => options.Listen(IPAddress.Loopback, 5000)));

        Assert.Contains("is gone", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_that_nobody_waits_for_is_closed()
    {
        using var web = Listeners.Tcp();
        var descriptor = Copy(web);

        _requests.Receive(new LifelineMessage { Type = LifelineTypes.Bound, Id = 7, Descriptor = descriptor }, _lifeline);

        Assert.True(descriptor.IsClosed);
    }

    [Fact]
    public async Task Http3_is_taken_off_and_said_so()
    {
        using var web = Listeners.Tcp();
        var log = new LogLines();
        AnswerWith(_ => new LifelineMessage { Type = LifelineTypes.Bound, Descriptor = Copy(web) });

        await using var app = await Start(
            static options => options.Listen(IPAddress.Loopback, 5000, static listen => listen.Protocols = HttpProtocols.Http1AndHttp2AndHttp3),
            builder =>
            {
                builder.Services.AddSingleton<IMultiplexedConnectionListenerFactory, Quic>();
                builder.Logging.AddProvider(log);
            });

        Assert.Equal("hello", await TestApp.GetAsync(web.LocalEndPoint!));
        Assert.Equal(1, log.Count(7));
    }

    private static SafeFileHandle Copy(Socket socket) => new(Listeners.Duplicate(socket), ownsHandle: true);

    private void AnswerWith(Func<ListenEndpoint, LifelineMessage> answer) => _answer = asked =>
    {
        Assert.True(ListenEndpoint.TryParse(asked.Endpoint!, out var endpoint));
        _asked.Add(endpoint.ToString());
        _requests.Receive(answer(endpoint) with { Id = asked.Id }, _lifeline);
    };

    private async Task<TestApp> Start(Action<KestrelServerOptions>? kestrel = null, Action<WebApplicationBuilder>? build = null)
    {
        var starting = TestApp.StartAsync(
            kestrel: kestrel,
            inherited: new InheritedSockets([], isWorker: true, hasBroker: true),
            build: builder =>
            {
                builder.Services.AddSingleton(_requests);
                builder.Services.AddSingleton(_lifeline);
                build?.Invoke(builder);
            });
        await Wait.UntilAsync(
            () =>
            {
                var isOver = starting.IsCompleted;
                while (_supervisor.TryReceive() is { } message)
                {
                    Hear(message);
                }

                return isOver;
            },
            "the app has started, or has failed to");
        return await starting;
    }

    private void Hear(LifelineMessage message)
    {
        if (message.Type == LifelineTypes.Failed)
        {
            _failures.Add($"{message.ExitCode} {message.Message}");
        }
        else
        {
            Assert.Equal(LifelineTypes.Bind, message.Type);
            _answer(message);
        }
    }

    private sealed class Quic : IMultiplexedConnectionListenerFactory
    {
        public ValueTask<IMultiplexedConnectionListener> BindAsync(EndPoint endpoint, IFeatureCollection? features = null, CancellationToken cancellationToken = default) =>
            throw new InvalidOperationException("a worker must not bind UDP");
    }
}
