using System.Globalization;
using System.Text;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>
/// The figures as Prometheus reads them (text format 0.0.4). Workers are named by index and never by pid: a series must
/// not end whenever a process is replaced.
/// </summary>
internal sealed class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    // What .NET people know from http.server.request.duration, with finer steps below; each is a bound of our buckets too.
    private static readonly double[] Bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly StringBuilder _text = new();

    private PrometheusText()
    {
    }

    public static string Of(Figures figures)
    {
        var text = new PrometheusText();
        text.Write(figures);
        return text._text.ToString();
    }

    private void Write(Figures figures)
    {
        var status = figures.Status;
        Family("green_info", "gauge", "The supervisor.", [([("name", status.Name), ("version", status.Version)], 1)]);
        Family("green_state", "gauge", "1 for the current state of the supervisor.", [([("state", NoticeReporter.Name(status.State))], 1)]);
        Family("green_start_time_seconds", "gauge", "When the supervisor started, in seconds since 1970.", [([], status.StartedAt.ToUnixTimeSeconds())]);
        Family("green_generation", "gauge", "Current generation.", [([], status.Generation)]);
        Family("green_workers_target", "gauge", "Wanted number of workers.", [([], status.WorkersTarget)]);
        Family("green_workers", "gauge", "Workers by state.", Enum.GetValues<WorkerPhase>().Select(state => (
            (IReadOnlyList<(string, string)>)[("state", NoticeReporter.Name(state))], (double)status.Workers.Count(worker => worker.State == state))));
        Family("green_listener_queued", "gauge", "Connections in the kernel's queue that no worker has accepted yet.", status.Listeners.Select(static listener => (
            (IReadOnlyList<(string, string)>)[("endpoint", listener.Endpoint)], (double)listener.Queued)));
        Family("green_listener_backlog", "gauge", "Requested limit of the kernel's queue.", status.Listeners.Select(static listener => (
            (IReadOnlyList<(string, string)>)[("endpoint", listener.Endpoint)], (double)listener.Backlog)));

        Workers("green_worker_serving", "gauge", "1 while the worker is serving.", figures, static worker => worker.State == WorkerPhase.Serving ? 1 : 0);
        Workers("green_worker_uptime_seconds", "gauge", "Time since the worker's process started.", figures, static worker => worker.UptimeSeconds);
        Workers("green_worker_heartbeat_age_seconds", "gauge", "Time since the last heartbeat.", figures, static worker => worker.HeartbeatAgeSeconds);
        Workers("green_worker_connections", "gauge", "Open connections.", figures, static worker => worker.Connections);
        Workers("green_worker_connections_limit", "gauge", "Maximum number of open connections.", figures, static worker => worker.ConnectionsLimit);
        Workers("green_worker_requests_in_flight", "gauge", "Requests in flight.", figures, static worker => worker.RequestsInFlight);
        Workers("green_worker_accepted_total", "counter", "Connections accepted by the worker's process.", figures, static worker => worker.AcceptedTotal);
        Workers("green_worker_restarts_total", "counter", "Processes replaced at the worker's index.", figures, static worker => worker.Restarts);
        Workers("green_worker_memory_bytes", "gauge", "Resident memory of the worker's process.", figures, static worker => worker.RssBytes);
        Workers("green_worker_cpu_seconds_total", "counter", "CPU time of the worker's process.", figures, static worker => worker.CpuSeconds);

        Workers("green_worker_warm_up_progress", "gauge", "Elapsed part of the time allowed for the warm-up, from 0 to 1; 1 once it is over, or if there is none.", figures, static worker => worker.WarmUp ?? (worker.State == WorkerPhase.Booting ? 0 : 1));
        Workers("green_worker_compiled_methods_total", "counter", "Methods compiled by the worker's runtime.", figures, static worker => worker.CompiledMethods);
        Workers("green_worker_hot", "gauge", "1 if a request costs hardly more CPU time than in the other workers.", figures, static worker => worker.Hot == true ? 1 : 0);

        var total = figures.Total();
        Family("green_requests_failed_total", "counter", "Requests answered with a status of 500 or above.", [([], total.Failed)]);
        Header("green_request_duration_seconds", "histogram", "Duration of requests, all workers together.");
        Histogram("green_request_duration_seconds", [], total);
        Family("green_worker_requests_failed_total", "counter", "Requests answered with a status of 500 or above.", figures.Requests.Select(static one => (
            (IReadOnlyList<(string, string)>)[Label(one.Index)], (double)one.Failed)));
        Header("green_worker_request_duration_seconds", "histogram", "Duration of requests.");
        foreach (var one in figures.Requests)
        {
            Histogram("green_worker_request_duration_seconds", [Label(one.Index)], one.ToStats());
        }
    }

    private void Workers(string name, string type, string help, Figures figures, Func<Control.WorkerStatus, double?> value) =>
        Family(name, type, help, from worker in figures.Status.Workers
                                 let number = value(worker)
                                 where number is not null
                                 select ((IReadOnlyList<(string, string)>)[Label(worker.Index)], number.Value));

    private void Family(string name, string type, string help, IEnumerable<(IReadOnlyList<(string Name, string Value)> Labels, double Value)> samples)
    {
        Header(name, type, help);
        foreach (var (labels, value) in samples)
        {
            Sample(name, labels, value);
        }
    }

    private void Histogram(string name, IReadOnlyList<(string Name, string Value)> labels, RequestStats stats)
    {
        foreach (var bound in Bounds)
        {
            long within = 0;
            for (var i = 0; i < RequestStats.UpperBounds.Length && RequestStats.UpperBounds[i] <= bound; i++)
            {
                within += stats.Buckets[i];
            }

            Sample(name + "_bucket", [.. labels, ("le", Number(bound))], within);
        }

        Sample(name + "_bucket", [.. labels, ("le", "+Inf")], stats.Count);
        Sample(name + "_sum", labels, stats.Nanoseconds / 1e9);
        Sample(name + "_count", labels, stats.Count);
    }

    private void Header(string name, string type, string help) => _text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");

    private void Sample(string name, IReadOnlyList<(string Name, string Value)> labels, double value)
    {
        _text.Append(name);
        if (labels.Count > 0)
        {
            _text.Append('{').AppendJoin(',', labels.Select(static label => $"{label.Name}=\"{Escape(label.Value)}\"")).Append('}');
        }

        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static (string, string) Label(int index) => ("worker", index.ToString(CultureInfo.InvariantCulture));

    private static string Number(double value) => value.ToString("0.#########", CultureInfo.InvariantCulture);

    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
