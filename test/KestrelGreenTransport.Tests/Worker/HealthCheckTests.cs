using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace KestrelGreenTransport.Tests.Worker;

public sealed class HealthCheckTests
{
    private readonly WorkerLife _life = new();
    private readonly TransportState _transport = new();

    [Fact]
    public async Task It_is_degraded_while_every_slot_is_taken_and_fails_while_the_worker_drains()
    {
        var pool = new Pool();
        _transport.Add(pool);

        var free = await Check();
        Assert.Equal((HealthStatus.Healthy, "3 of 4 slots taken"), (free.Status, free.Description));
        pool.Held = 4;
        var full = await Check();
        Assert.Equal((HealthStatus.Degraded, "every slot of tcp://127.0.0.1:1 is taken: further connections wait"), (full.Status, full.Description));
        Assert.Equal(4L, full.Data["slots"]);
        _life.Leave();
        Assert.Equal(HealthStatus.Unhealthy, (await Check()).Status);
    }

    private async Task<HealthReportEntry> Check()
    {
        var services = new ServiceCollection().AddLogging().AddSingleton(_transport).AddSingleton(_life);
        services.AddHealthChecks().AddGreenTransport();
        await using var provider = services.BuildServiceProvider();
        return (await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["green"];
    }

    private sealed class Pool : IPoolFigures
    {
        public string Endpoint => "tcp://127.0.0.1:1";

        public long Held { get; set; } = 3;

        public long Slots => 4;

        public bool IsInUse => Held != 0;

        public long Accepted => 9;
    }
}
