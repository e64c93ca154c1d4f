using System.Diagnostics.Metrics;

namespace TransportWorker;

/// <summary>How many accepts failed, according to the transport's own meter.</summary>
internal sealed class AcceptErrors : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _count;

    public AcceptErrors()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Name == "green.transport.accept.errors")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref _count, value));
        _listener.Start();
    }

    public long Count => Interlocked.Read(ref _count);

    public void Dispose() => _listener.Dispose();
}
