using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace KestrelGreenTransport.Tests.Accepting;

public class DescriptorExhaustionTests
{
    private const int Limit = 300;

    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task Without_descriptors_accepting_rests_and_afterwards_everybody_is_served(GreenTransportBackend backend)
    {
        await using var worker = await WorkerProcess.StartAsync($"ulimit -n {Limit}", $"--urls http://127.0.0.1:0 --GreenTransport:Backend {backend}");

        // This connection exists already, so it still works later. Every request is made once beforehand, because loading code needs
        // descriptors.
        using var inside = Client(worker);
        await ReadAsync("/accept-errors");
        await ReadAsync("/cpu");
        await PostAsync("/exhaust");
        await PostAsync("/release");
        Assert.InRange(await PostAsync("/exhaust"), 1, Limit);

        var started = Stopwatch.StartNew();
        var waiting = Enumerable.Range(0, 5).Select(_ => Task.Run(() => AskAsync(worker))).ToArray();
        long errors = 0;
        await Wait.UntilAsync(async () => (errors = await ReadAsync("/accept-errors")) >= 10, "ten accepts have failed");
        Assert.InRange(errors / started.Elapsed.TotalSeconds, 0, 5);
        await Wait.UntilAsync(IsCalmAsync, "half a second in which the process does hardly anything");
        Assert.DoesNotContain(waiting, static one => one.IsCompleted);

        await PostAsync("/release");
        Assert.All(await Wait.ForAsync(Task.WhenAll(waiting)), static answer => Assert.Equal("hello", answer));
        Assert.Single(Regex.Matches(worker.Output, "cannot accept: Too many open files"));
        await Wait.UntilAsync(() => worker.Output.Contains("accepting again after", StringComparison.Ordinal), "the recovery is logged");

        // One that spins never is. One that rests still compiles now and then, so not every half second counts.
        async Task<bool> IsCalmAsync()
        {
            var (cpu, window) = (await ReadAsync("/cpu"), Stopwatch.StartNew());
            await Task.Delay(500, TestContext.Current.CancellationToken);
            return await ReadAsync("/cpu") - cpu <= window.ElapsedMilliseconds / 4;
        }

        async Task<long> ReadAsync(string path) => long.Parse(await inside.GetStringAsync(path), CultureInfo.InvariantCulture);

        async Task<long> PostAsync(string path)
        {
            using var response = await inside.PostAsync(path, null);
            return long.Parse(await response.Content.ReadAsStringAsync(), CultureInfo.InvariantCulture);
        }
    }

    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task More_connections_than_descriptors_leave_the_process_some_and_the_rest_waits(GreenTransportBackend backend)
    {
        await using var worker = await WorkerProcess.StartAsync($"ulimit -n {Limit}", $"--urls http://127.0.0.1:0 --GreenTransport:Backend {backend}");
        var crowd = new List<Socket>();
        for (var i = 0; i < Limit + 50; i++)
        {
            var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(worker.Address.Host, worker.Address.Port);
            crowd.Add(client);
        }

        await Wait.UntilAsync(() => worker.Output.Contains("cannot accept: Too many open files", StringComparison.Ordinal), "accepting rests");
        Assert.InRange(Queue.LengthOf(worker.Address.Port), 50, Limit);
        var late = AskAsync(worker);
        crowd.ForEach(static client => client.Dispose());
        Assert.Equal("hello", await Wait.ForAsync(late));
    }

    private static async Task<string> AskAsync(WorkerProcess worker)
    {
        using var client = Client(worker);
        return await client.GetStringAsync("/");
    }

    private static HttpClient Client(WorkerProcess worker) =>
        new(new SocketsHttpHandler { UseProxy = false, PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan }) { BaseAddress = worker.Address, Timeout = Wait.Limit };
}
