using System.Diagnostics.Metrics;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Telemetry;

/// <summary>
/// The meter <c>KestrelGreenTransport.Supervisor</c>, in the supervisor's process: <c>dotnet-counters monitor -p PID
/// --counters KestrelGreenTransport.Supervisor</c>. Every instrument is observed, so it costs nothing while no listener reads it.
/// </summary>
internal sealed class SupervisorMeter : IDisposable
{
    public const string Name = "KestrelGreenTransport.Supervisor";

    private const string Worker = "green.worker.index";

    private readonly Meter _meter = new(Name, SupervisorVersion.Text);

    public SupervisorMeter(Func<Figures> figures)
    {
        _meter.CreateObservableUpDownCounter(
            "green.supervisor.workers",
            () => figures().Status.Workers.CountBy(static worker => worker.State)
                .Select(static state => new Measurement<long>(state.Value, new KeyValuePair<string, object?>("green.worker.state", NoticeReporter.Name(state.Key)))),
            "{worker}", "Workers by state.");
        _meter.CreateObservableUpDownCounter(
            "green.supervisor.workers.target", () => (long)figures().Status.WorkersTarget, "{worker}", "Wanted number of workers.");
        _meter.CreateObservableUpDownCounter(
            "green.listener.queued",
            () => figures().Status.Listeners.Select(static listener => new Measurement<long>(
                listener.Queued, new KeyValuePair<string, object?>("green.endpoint", listener.Endpoint))),
            "{connection}", "Connections in the kernel's queue that no worker has accepted yet.");
        Observe("green.worker.connections", "{connection}", "Open connections.", figures, static worker => worker.Connections);
        Observe("green.worker.requests.active", "{request}", "Requests in flight.", figures, static worker => worker.RequestsInFlight);
        Observe("green.worker.memory", "By", "Resident memory of the worker's process.", figures, static worker => worker.RssBytes);
        _meter.CreateObservableUpDownCounter(
            "green.worker.hot",
            () => figures().Status.Workers.Where(static worker => worker.Hot is not null).Select(static worker => Of(worker.Index, worker.Hot == true ? 1 : 0L)),
            "{worker}", "1 if a request costs hardly more CPU time than in the other workers.");
        _meter.CreateObservableCounter(
            "green.worker.methods.compiled",
            () => figures().Status.Workers.Select(static worker => Of(worker.Index, worker.CompiledMethods)),
            "{method}", "Methods compiled by the worker's runtime.");
        _meter.CreateObservableCounter(
            "green.worker.restarts",
            () => figures().Status.Workers.Select(static worker => Of(worker.Index, (long)worker.Restarts)),
            "{restart}", "Processes replaced at the worker's index.");
        _meter.CreateObservableCounter(
            "green.worker.requests",
            () => figures().Requests.Select(static one => Of(one.Index, one.Count)),
            "{request}", "Requests answered at the worker's index, by all of its processes.");
        _meter.CreateObservableCounter(
            "green.worker.requests.failed",
            () => figures().Requests.Select(static one => Of(one.Index, one.Failed)),
            "{request}", "Requests answered with a status of 500 or above.");
    }

    public void Dispose() => _meter.Dispose();

    private static Measurement<long> Of(int index, long value) => new(value, new KeyValuePair<string, object?>(Worker, index));

    private void Observe(string name, string unit, string description, Func<Figures> figures, Func<Control.WorkerStatus, long> figure) =>
        _meter.CreateObservableUpDownCounter(name, () => figures().Status.Workers.Select(worker => Of(worker.Index, figure(worker))), unit, description);
}
