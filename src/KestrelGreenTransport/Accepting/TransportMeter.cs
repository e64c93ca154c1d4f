using System.Diagnostics.Metrics;

namespace KestrelGreenTransport.Accepting;

/// <summary>
/// The meter <c>KestrelGreenTransport</c>. Measurements of accepting carry the listener's endpoint. Kestrel's own instruments
/// (<c>kestrel.*</c>) are not part of it.
/// </summary>
internal sealed class TransportMeter
{
    public const string Name = "KestrelGreenTransport";
    public const string EndpointTag = "green.endpoint";
    public const string ReasonTag = "green.reason";

    public TransportMeter(IMeterFactory factory, TransportState state)
    {
        var meter = factory.Create(Name);
        meter.CreateObservableUpDownCounter(
            "green.transport.slots.used", () => Observe(state, static pool => pool.Held), "{connection}", "Connections held, each on a slot of its listener's pool.");
        meter.CreateObservableUpDownCounter(
            "green.transport.slots.limit", () => Observe(state, static pool => pool.Slots), "{connection}", "Slots in total: the most connections that the listener holds at once.");
        meter.CreateObservableCounter(
            "green.transport.connections.accepted", () => Observe(state, static pool => pool.Accepted), "{connection}", "Connections accepted.");
        AcceptPauses = meter.CreateCounter<long>(
            "green.transport.accept.pauses", "{pause}", "Times that accepting waited because every slot was taken.");
        AcceptErrors = meter.CreateCounter<long>(
            "green.transport.accept.errors", "{error}", "Accepts that failed.");
        Takeovers = meter.CreateCounter<long>(
            "green.transport.loop.takeovers", "{takeover}", "Times that the guard gave an event loop to another thread because a handler was blocked or computing.");
        ProxyErrors = meter.CreateCounter<long>(
            "green.transport.proxy_protocol.errors", "{connection}", "Connections reset because they had no valid PROXY header from a trusted source.");
    }

    public Counter<long> AcceptPauses { get; }

    public Counter<long> AcceptErrors { get; }

    /// <summary>Tagged with the reason: <c>blocked</c> or <c>computing</c>.</summary>
    public Counter<long> Takeovers { get; }

    public Counter<long> ProxyErrors { get; }

    private static IEnumerable<Measurement<long>> Observe(TransportState state, Func<IPoolFigures, long> figure)
    {
        foreach (var pool in state.Pools)
        {
            yield return new Measurement<long>(figure(pool), new KeyValuePair<string, object?>(EndpointTag, pool.Endpoint));
        }
    }
}
