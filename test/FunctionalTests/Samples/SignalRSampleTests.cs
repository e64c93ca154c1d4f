using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using FunctionalTests.Harness;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;

namespace FunctionalTests.Samples;

/// <summary>samples/SignalRChat with Redis between its workers: what its page says about them.</summary>
public sealed class SignalRSampleTests
{
    [Fact]
    public async Task What_is_said_in_one_worker_is_heard_in_the_other_also_after_a_reload()
    {
        using var folder = new TemporaryFolder();
        using var port = new FreePort();
        var address = $"127.0.0.1:{port.Release()}";
        await using var redis = ChildProgram.Start(
            "redis-server", ["--port", $"{port.Number}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder.Path]);
        await redis.Line("Ready to accept connections");
        await using var sample = GreenRun.StartApp(Repo.SignalRChat, ["-w", "2", "-b", "127.0.0.1:0", "--Redis", address]);
        var before = await sample.Serving(2);
        var target = await sample.Target();

        await using var ann = await Chatter.Join(target, "Ann");
        await using var bob = await Balance.Connect("Bob comes to another worker", () => Chatter.Join(target, "Bob"), bob => Task.FromResult(bob.Worker != ann.Worker));
        await ann.Say("hello");
        await bob.Heard($"Ann, in worker {ann.Worker}: hello");
        await bob.Say("hello yourself");
        await ann.Heard($"Bob, in worker {bob.Worker}: hello yourself");
        await AnotherWorkerDoesNotKnowWhatWasNegotiated(target);

        await using (var reload = await sample.Command("reload"))
        {
            Assert.True(await reload.Exit() == 0, reload.Describe());
        }

        // Their workers are gone; both have reconnected by themselves.
        await Eventually.True("both have reconnected", () => ann.IsBack && bob.IsBack, sample.Process.Describe);
        Assert.Empty(before.Workers.Select(static worker => worker.Pid).Intersect((await sample.Status()).Workers.Select(static worker => worker.Pid)));

        // Either client may not have noticed yet that its reconnect reached the other old worker, which is gone as well.
        await Eventually.Get(
            "Bob hears Ann again",
            async () =>
            {
                await ann.Say("still there?");
                return bob.HasHeard("^Ann, in worker [1-3]: still there\\?$");
            },
            static heard => heard);

        // The sample's own chat client.
        await using var cid = await ChildProgram.Run("sh", ["-c", $"echo hi | dotnet {Repo.SignalRChat} join http://127.0.0.1:{target.Port} Cid"]);
        Assert.True(await cid.Exit() == 0, cid.Describe());
        await ann.Heard("^Cid, in worker [1-3]: hi$");
        await bob.Heard("^Cid, in worker [1-3]: hi$");
        await sample.StopCleanly();
        Kernel.Signal(redis.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await redis.Exit());
    }

    /// <summary>Why the sample skips the negotiation.</summary>
    private static async Task AnotherWorkerDoesNotKnowWhatWasNegotiated(Target target)
    {
        using var here = await RawConnection.To(target);
        var worker = await here.Get("/");
        using var there = await Balance.Connect("a connection to another worker", () => RawConnection.To(target), async connection => await connection.Get("/") != worker);
        await here.Write("POST /chat/negotiate?negotiateVersion=1 HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n");
        var token = JsonDocument.Parse(await here.Receive()).RootElement.GetProperty("connectionToken").GetString();
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => there.Get($"/chat?id={token}"));
        Assert.Equal("HTTP/1.1 404 Not Found: No Connection with that ID", refused.Message);
    }

    /// <summary>A client like the sample's own.</summary>
    private sealed class Chatter : IAsyncDisposable
    {
        private readonly ConcurrentQueue<string> _heard = new();
        private readonly HubConnection _connection;
        private readonly string _name;
        private int _returns;

        private Chatter(Target target, string name)
        {
            _name = name;
            _connection = new HubConnectionBuilder()
                .WithUrl($"http://127.0.0.1:{target.Port}/chat", HttpTransportType.WebSockets, static options => options.SkipNegotiation = true)
                .WithAutomaticReconnect()
                .Build();
            _connection.On<string>("Said", _heard.Enqueue);
            _connection.Reconnected += _ =>
            {
                Interlocked.Increment(ref _returns);
                return Task.CompletedTask;
            };
        }

        /// <summary>The first worker that it reached.</summary>
        public string Worker { get; private set; } = "";

        /// <summary>Whether it has lost its connection and reconnected.</summary>
        public bool IsBack => Volatile.Read(ref _returns) > 0 && _connection.State == HubConnectionState.Connected;

        public static async Task<Chatter> Join(Target target, string name)
        {
            var chatter = new Chatter(target, name);
            await chatter._connection.StartAsync(TestContext.Current.CancellationToken);
            await chatter.Say("who am I with?");
            chatter.Worker = (await chatter.Heard($"^{name}, in worker [12]: who am I with")).Split(' ')[3].TrimEnd(':');
            return chatter;
        }

        public Task Say(string text) => _connection.InvokeAsync("Say", _name, text, TestContext.Current.CancellationToken);

        public bool HasHeard(string pattern) => Find(pattern).Length > 0;

        public Task<string> Heard(string pattern) => Eventually.Get(
            $"{_name} hears '{pattern}'",
            () => Task.FromResult(Find(pattern)),
            static line => line.Length > 0,
            () => string.Join('\n', _heard));

        public ValueTask DisposeAsync() => _connection.DisposeAsync();

        private string Find(string pattern) => _heard.FirstOrDefault(line => Regex.IsMatch(line, pattern)) ?? "";
    }
}
