using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Draining;

/// <summary>
/// A client that has sent part of a request is not idle, wherever the request is cut. Over TLS only the arrival of bytes shows
/// it: the app has received no byte, the connection is not busy, and nothing waits in the kernel.
/// </summary>
public class HalfRequestTests
{
    private static readonly TimeSpan ReclaimTick = TimeSpan.FromMilliseconds(50);

    private readonly FakeTimeProvider _time = new();

    public static TheoryData<ServedBy, Spoken> OfOurs()
    {
        var all = new TheoryData<ServedBy, Spoken>();
        foreach (var by in (ServedBy[])[ServedBy.Sockets, ServedBy.EpollAdaptive])
        {
            foreach (var spoken in Enum.GetValues<Spoken>())
            {
                all.Add(by, spoken);
            }
        }

        return all;
    }

    [Theory]
    [MemberData(nameof(OfOurs))]
    public async Task It_is_not_closed_for_a_client_that_waits(ServedBy by, Spoken spoken)
    {
        await using var app = await CutClient.ServeAsync(by, spoken, slots: 2, _time);
        for (var cut = 0; cut < CutsOf(spoken); cut++)
        {
            // Judging by its requests, it has been idle for longer than the other one.
            await using var half = await ServedAsync(app, spoken);
            _time.Advance(TimeSpan.FromMilliseconds(1));
            await using var idle = await ServedAsync(app, spoken);
            _time.Advance(TimeSpan.FromMilliseconds(800));
            var (sent, rest) = Cut(await half.EncodeAsync(), cut);
            await SendAsync(app, half, sent);

            await using var first = await WaitingAsync(app, spoken);
            var ended = idle.ExpectEndAsync();
            while (!ended.IsCompleted)
            {
                // In small steps: until its app reads again, the connection is passed over.
                _time.Advance(TimeSpan.FromMilliseconds(1));
                await Task.WhenAny(ended, Task.Delay(1, TestContext.Current.CancellationToken));
            }

            await ended;
            Assert.Contains("hello", await first.AskAsync(), StringComparison.Ordinal);

            await using var second = await WaitingAsync(app, spoken);
            _time.Advance(IdleReclaim.LeastIdle - (2 * ReclaimTick));
            await half.SendAsync(rest);
            Assert.Contains("hello", await half.ExpectAnswerAsync(), StringComparison.Ordinal);

            // Idle connections are still closed for a waiting client.
            // Either of the two may be closed: one whose app has answered but does not read again yet is passed over.
            await UntilIdleAsync(app);
            var asking = second.AskAsync();
            while (!asking.IsCompleted)
            {
                _time.Advance(ReclaimTick);
                await Task.WhenAny(asking, Task.Delay(1, TestContext.Current.CancellationToken));
            }

            Assert.Contains("hello", await asking, StringComparison.Ordinal);
            await first.DisposeAsync();
            await half.DisposeAsync();
            await second.DisposeAsync();

            await Wait.UntilAsync(() => app.State.Pools[0].Held == 0, "all have gone");
        }
    }

    [Theory]
    [MemberData(nameof(OfOurs))]
    public async Task It_is_answered_by_a_process_that_stops(ServedBy by, Spoken spoken)
    {
        await using var app = await CutClient.ServeAsync(by, spoken, slots: 100, _time);
        var clients = new List<(CutClient Client, byte[] Sent, byte[] Left)>();
        for (var cut = 0; cut < CutsOf(spoken); cut++)
        {
            foreach (var isFirst in (bool[])[true, false])
            {
                var client = isFirst ? await CutClient.ConnectAsync(app, spoken) : await ServedAsync(app, spoken);
                var (sent, rest) = Cut(await client.EncodeAsync(), cut);
                clients.Add((client, sent, rest));
                await Wait.UntilAsync(() => app.ConnectionFrom(client.Port) is not null, "it is accepted");
            }
        }

        // Judging by requests, this one has been idle for the shortest time, yet the first pass closes it.
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await using var idle = await ServedAsync(app, spoken);
        _time.Advance(DrainPlan.LongestLinger);
        foreach (var (client, sent, _) in clients)
        {
            await SendAsync(app, client, sent);
        }

        var stopping = app.StopAsync();
        await idle.ExpectEndAsync();
        foreach (var (client, _, rest) in clients)
        {
            await client.SendAsync(rest);
            Assert.Contains("hello", await client.ExpectAnswerAsync(), StringComparison.Ordinal);
            await client.DisposeAsync();
        }

        while (!stopping.IsCompleted)
        {
            _time.Advance(DrainPlan.Tick);
            await Task.WhenAny(stopping, Task.Delay(1));
        }

        await stopping;
        Assert.Equal(0, app.Logs.Count(21));
    }

    // Cuts in the middle, after the first byte and before the last one. With TLS also after the record's head, and one byte later.
    private static int CutsOf(Spoken spoken) => CutClient.IsOverTls(spoken) ? 5 : 3;

    private static (byte[] Sent, byte[] Left) Cut(byte[] request, int cut)
    {
        var at = cut switch
        {
            0 => request.Length / 2,
            1 => 1,
            2 => request.Length - 1,
            3 => 5,
            _ => 6,
        };
        return (request[..at], request[at..]);
    }

    /// <summary>A client whose first request was answered, with nothing else in flight.</summary>
    private static async Task<CutClient> ServedAsync(ServedApp app, Spoken spoken)
    {
        var client = await CutClient.ConnectAsync(app, spoken);
        Assert.Contains("hello", await client.AskAsync(), StringComparison.Ordinal);
        await UntilIdleAsync(app);
        return client;
    }

    private static Task UntilIdleAsync(ServedApp app) => Wait.UntilAsync(() => app.Connections.All(static one => !one.Activity.IsBusy), "the app is done with all requests");

    /// <summary>A client in the kernel's queue: even its handshake happens only when it is accepted.</summary>
    private static async Task<WaitingClient> WaitingAsync(ServedApp app, Spoken spoken)
    {
        var client = new WaitingClient(CutClient.ConnectAsync(app, spoken));
        await Wait.UntilAsync(() => Queue.LengthOf(app.Address.Port) == 1, "it waits");
        return client;
    }

    private async Task SendAsync(ServedApp app, CutClient client, byte[] part)
    {
        var connection = app.ConnectionFrom(client.Port)!;
        await client.SendAsync(part);
        await Wait.UntilAsync(() => connection.Activity.QuietSince == _time.GetTimestamp(), "it has arrived");
    }

    private sealed class WaitingClient(Task<CutClient> connecting) : IAsyncDisposable
    {
        public async Task<string> AskAsync() => await (await Wait.ForAsync(connecting)).AskAsync();

        public async Task ExpectEndAsync() => await (await connecting).ExpectEndAsync();

        public async ValueTask DisposeAsync()
        {
            if (connecting.IsCompletedSuccessfully)
            {
                await (await connecting).DisposeAsync();
            }
        }
    }
}
