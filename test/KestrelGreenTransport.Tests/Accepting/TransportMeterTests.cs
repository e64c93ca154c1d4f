using System.Diagnostics.Metrics;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace KestrelGreenTransport.Tests.Accepting;

public class TransportMeterTests
{
    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task The_meter_tells_slots_and_accepts_by_endpoint(GreenTransportBackend backend)
    {
        await using var app = await TestApp.StartAsync(options => (options.Backend, options.WorkerConnections) = (backend, 7));
        using var meter = new Measurements(app.App.Services.GetRequiredService<IMeterFactory>());
        using var client = app.CreateClient();
        await client.GetStringAsync("/");
        var endpoint = app.Pool.Endpoint;
        var seen = meter.Observe();
        Assert.Equal(1, seen[$"green.transport.slots.used {endpoint}"]);
        Assert.Equal(7, seen[$"green.transport.slots.limit {endpoint}"]);
        Assert.Equal(1, seen[$"green.transport.connections.accepted {endpoint}"]);
    }

    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task The_meter_counts_the_times_that_accepting_waited_for_a_slot(GreenTransportBackend backend)
    {
        await using var app = await TestApp.StartAsync(options => (options.Backend, options.WorkerConnections) = (backend, 1));
        using var meter = new Measurements(app.App.Services.GetRequiredService<IMeterFactory>());
        using var client = app.CreateClient();
        await client.GetStringAsync("/");
        var name = $"green.transport.accept.pauses {app.Pool.Endpoint}";
        await Wait.UntilAsync(() => meter.Observe().GetValueOrDefault(name) == 1, "one pause is counted");
    }

    [Theory]
    [InlineData("blocked")]
    [InlineData("computing")]
    public async Task The_meter_counts_the_loops_that_handlers_lost_by_what_they_did(string reason)
    {
        using var others = new SemaphoreSlim(0);
        await using var app = await TestApp.StartAsync(
            static options => (options.Backend, options.EventLoops) = (GreenTransportBackend.Epoll, 1),
            map: routes =>
            {
                routes.MapGet("/", () => others.Release());
                routes.MapGet("/blocked", () => others.Wait(Wait.Limit));
                routes.MapGet("/computing", () =>
                {
                    var until = Environment.TickCount64 + (long)Wait.Limit.TotalMilliseconds;
                    while (others.CurrentCount == 0 && Environment.TickCount64 < until)
                    {
                        Thread.SpinWait(100);
                    }

                    return others.Wait(TimeSpan.Zero);
                });
            });
        using var meter = new Measurements(app.App.Services.GetRequiredService<IMeterFactory>());
        using var client = app.CreateClient();
        var name = $"green.transport.loop.takeovers {reason}";

        // Compiling a handler takes time too, so the first handler may have lost the loop because of that.
        for (var round = 0; meter.Observe().GetValueOrDefault(name) == 0; round++)
        {
            Assert.InRange(round, 0, 100);
            var held = client.GetStringAsync($"/{reason}");

            // On the same loop: it answers only if another thread takes over the loop.
            await client.GetStringAsync("/");
            Assert.Equal("true", await held);
        }
    }

    [Fact]
    public async Task A_stopped_app_observes_no_listener_any_more()
    {
        await using var app = await TestApp.StartAsync();
        using var meter = new Measurements(app.App.Services.GetRequiredService<IMeterFactory>());
        await app.App.StopAsync();
        Assert.Empty(meter.Observe());
    }

    /// <summary>The latest values of our meter, by instrument and endpoint.</summary>
    private sealed class Measurements : IDisposable
    {
        private readonly Dictionary<string, long> _values = [];
        private readonly MeterListener _listener = new();

        public Measurements(IMeterFactory factory)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == TransportMeter.Name && instrument.Meter.Scope == factory)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            {
                lock (_values)
                {
                    var key = $"{instrument.Name} {tags[0].Value}";
                    _values[key] = instrument is Counter<long> ? _values.GetValueOrDefault(key) + value : value;
                }
            });
            _listener.Start();
        }

        public Dictionary<string, long> Observe()
        {
            _listener.RecordObservableInstruments();
            lock (_values)
            {
                return new(_values);
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
