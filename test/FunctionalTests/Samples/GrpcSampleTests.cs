using FunctionalTests.Harness;
using Grpc.Core;
using Grpc.Net.Client;
using GrpcSample;

namespace FunctionalTests.Samples;

/// <summary>samples/Grpc: which worker answers which calls, and what a reload does to calls.</summary>
public sealed class GrpcSampleTests
{
    [Fact]
    public async Task A_channel_stays_with_its_worker_and_no_call_is_lost_over_a_reload()
    {
        await using var sample = GreenRun.StartApp(
            Repo.GrpcSample, ["-w", "2", "-b", "127.0.0.1:0", "--Kestrel:EndpointDefaults:Protocols=Http2"]);
        var before = await sample.Serving(2);
        var url = $"http://127.0.0.1:{(await sample.Target()).Port}";

        // The sample's own client: one channel is one connection, and so one worker. Several channels reach both.
        await using (var caller = await ChildProgram.Run("dotnet", [Repo.GrpcSample, "call", url]))
        {
            Assert.True(await caller.Exit() == 0, caller.Describe());
            Assert.Matches(@"(?m)^1 channel, 40 calls: 40 by process \d+$", caller.Output);
            Assert.Matches(@"(?m)^3 from process \d+$", caller.Output);
            Assert.Matches(@"(?m)^8 channels, 40 calls: \d+ by process \d+, \d+ by process \d+$", caller.Output);
        }

        await using var load = new Load(url, channels: 4, callsAtOnce: 4);
        await load.More(200);
        using var channel = GrpcChannel.ForAddress(url);
        using var stream = new Greeter.GreeterClient(channel).Count(new CountRequest { To = 30 });
        Assert.True(await stream.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        await using (var reload = await sample.Command("reload"))
        {
            Assert.True(await reload.Exit() == 0, reload.Describe());
        }

        // The call was completed by the worker that began it, although that worker was told to leave in the meantime.
        var counted = new List<CountReply> { stream.ResponseStream.Current };
        await foreach (var reply in stream.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            counted.Add(reply);
        }

        Assert.Equal(Enumerable.Range(1, 30), counted.Select(static reply => reply.Number));
        Assert.Contains(Assert.Single(counted.Select(static reply => reply.Process).Distinct()), before.Workers.Select(static worker => worker.Pid!.Value));
        await load.More(200);
        await load.Stop();
        Assert.Equal((load.Begun, ""), (load.Answered, string.Join('\n', load.Failures)));
        Assert.DoesNotContain(load.LastProcess, before.Workers.Select(static worker => worker.Pid!.Value));
        await sample.StopCleanly();
    }

    /// <summary>Endless unary calls, several at once on each of several channels.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private readonly Lock _lock = new();
        private readonly List<string> _failures = [];
        private readonly Task _callers;
        private long _begun;
        private long _answered;
        private volatile int _lastProcess;
        private volatile bool _stopping;

        public Load(string url, int channels, int callsAtOnce) => _callers = Task.WhenAll(
            Enumerable.Range(0, channels).Select(_ => Task.Run(() => CallOver(url, callsAtOnce))));

        public long Begun => Interlocked.Read(ref _begun);

        public long Answered => Interlocked.Read(ref _answered);

        /// <summary>The process that answered last.</summary>
        public int LastProcess => _lastProcess;

        public IReadOnlyList<string> Failures
        {
            get
            {
                lock (_lock)
                {
                    return [.. _failures.Take(10)];
                }
            }
        }

        public Task More(int calls)
        {
            var from = Answered;
            return Eventually.True($"{calls} more answers", () => Answered >= from + calls, () => string.Join('\n', Failures));
        }

        public Task Stop()
        {
            _stopping = true;
            return _callers;
        }

        public ValueTask DisposeAsync() => new(Stop());

        private async Task CallOver(string url, int callsAtOnce)
        {
            using var channel = GrpcChannel.ForAddress(url);
            var client = new Greeter.GreeterClient(channel);
            await Task.WhenAll(Enumerable.Range(0, callsAtOnce).Select(_ => Call(client)));
        }

        private async Task Call(Greeter.GreeterClient client)
        {
            while (!_stopping)
            {
                var name = $"number {Interlocked.Increment(ref _begun)}";
                try
                {
                    var reply = await client.GreetAsync(new GreetRequest { Name = name }, deadline: DateTime.UtcNow.Add(Eventually.Limit));
                    Assert.Equal($"hello {name}", reply.Text);
                    _lastProcess = reply.Process;
                    Interlocked.Increment(ref _answered);
                }
                catch (RpcException lost)
                {
                    lock (_lock)
                    {
                        _failures.Add($"{name}: {lost.Status}");
                    }
                }
            }
        }
    }
}
