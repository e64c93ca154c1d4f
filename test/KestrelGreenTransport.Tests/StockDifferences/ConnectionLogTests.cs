using System.Collections.Concurrent;
using System.Net.Sockets;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Tests.StockDifferences;

/// <summary>The log of a single connection: the same events, in the same order, as with Kestrel's own transport.</summary>
public class ConnectionLogTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    private const int ConnectionStop = 2;

    private static readonly Dictionary<string, Func<Socket, Task>> Ends = new()
    {
        ["the client closes"] = static async client =>
        {
            await client.SendAsync(Get);
            await client.ExpectAnswerAsync();
            client.Shutdown(SocketShutdown.Send);
            await client.ReceiveAllAsync();
        },
        ["the client resets"] = static async client =>
        {
            await client.SendAsync(Get);
            await client.ExpectAnswerAsync();
            client.Reset();
        },
        ["the client asks for the end"] = static async client =>
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
            await client.ReceiveAllAsync();
        },
        ["the request is bad"] = static async client =>
        {
            await client.SendAsync("NONSENSE\r\n\r\n");
            await client.ReceiveAllAsync();
        },
        ["the handler aborts"] = static async client =>
        {
            await client.SendAsync("GET /abort HTTP/1.1\r\nHost: test\r\n\r\n");
            await client.ExpectResetAsync();
        },
    };

    public static TheoryData<string> Names => [.. Ends.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Every_transport_logs_the_same_of_a_connection_when(string end)
    {
        var stock = await LoggedAsync(ServedBy.Stock, end);
        Assert.NotEmpty(stock);
        foreach (var by in Enum.GetValues<ServedBy>())
        {
            Assert.Equal(stock, await LoggedAsync(by, end));
        }
    }

    [Fact]
    public async Task Without_Debug_nothing_is_logged_and_no_connection_is_given_an_id_for_it()
    {
        var lines = new Lines(LogLevel.Information);
        await using (var app = await StartAsync(ServedBy.EpollAdaptive, lines))
        {
            using var client = await app.ConnectAsync();
            await Ends["the client closes"](client);
            await Wait.UntilAsync(() => app.State.Pools[0].Held == 0, "it has ended");
        }

        Assert.Empty(lines.Transport);
    }

    private static async Task<IReadOnlyList<string>> LoggedAsync(ServedBy by, string end)
    {
        var lines = new Lines(LogLevel.Debug);
        await using (var app = await StartAsync(by, lines))
        {
            using var client = await app.ConnectAsync();
            await Ends[end](client);
            await Wait.UntilAsync(() => lines.HasStopped, "the connection has ended");
        }

        return [.. lines.Transport];
    }

    private static Task<ServedApp> StartAsync(ServedBy by, Lines lines) => ServedApp.StartAsync(
        by,
        static routes =>
        {
            routes.MapGet("/", static () => "hello");
            routes.MapGet("/abort", static (HttpContext context) => context.Abort());
        },
        build: builder => builder.Services.AddSingleton<ILoggerFactory>(lines));

    private sealed class Lines(LogLevel least) : ILoggerFactory
    {
        private volatile bool _hasStopped;

        public bool HasStopped => _hasStopped;

        public ConcurrentQueue<string> Transport { get; } = new();

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName, least);

        public void Dispose()
        {
        }

        private sealed class Logger(Lines lines, string category, LogLevel least) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                if (category == "Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets")
                {
                    lines.Transport.Enqueue($"{eventId.Id} {eventId.Name} {logLevel}");
                }
                else if (category == "Microsoft.AspNetCore.Server.Kestrel.Connections" && eventId.Id == ConnectionStop)
                {
                    lines._hasStopped = true;
                }
            }
        }
    }
}
