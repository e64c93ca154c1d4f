using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace KestrelGreenTransport.Tests.StockDifferences;

public class MemoryPoolMetricsTests
{
    [Theory]
    [InlineData(ServedBy.Stock)]
    [InlineData(ServedBy.EpollAdaptive)]
    public async Task The_memory_of_connections_is_measured_by_ASP_NET_Cores_own_meter(ServedBy by)
    {
        var measured = new ConcurrentDictionary<string, long>();
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/", static () => "hello"));
        var factory = app.Services.GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Microsoft.AspNetCore.MemoryPool" && ReferenceEquals(instrument.Meter.Scope, factory))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            measured.AddOrUpdate($"{instrument.Name} {string.Join(',', tags.ToArray().Select(static tag => $"{tag.Key}={tag.Value}"))}", value, (_, sum) => sum + value));
        listener.Start();
        for (var i = 0; i < 4; i++)
        {
            using var client = app.CreateClient();
            Assert.Equal("hello", await client.GetStringAsync("/"));
        }

        const string Owner = "aspnetcore.memory_pool.owner=kestrel";
        Assert.True(measured.GetValueOrDefault($"aspnetcore.memory_pool.rented {Owner}") > 0, string.Join('\n', measured));
        Assert.True(measured.GetValueOrDefault($"aspnetcore.memory_pool.allocated {Owner}") > 0, string.Join('\n', measured));
    }
}
