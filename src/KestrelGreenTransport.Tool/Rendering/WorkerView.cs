using System.Globalization;
using Spectre.Console;

namespace KestrelGreenTransport.Tool.Rendering;

/// <summary>One worker's story for a person: how it is, what happened to it, what it wrote last.</summary>
internal static class WorkerView
{
    public static void Write(WorkerDocument document, ToolHost host)
    {
        var worker = document.Worker;
        var console = PlainConsole.Of(host);
        console.Profile.Width = int.MaxValue / 2;
        var process = worker switch
        {
            { Pid: { } pid } => $"pid {pid}, up {Figures.Time(worker.UptimeSeconds)}, last beat {Figures.Time(worker.HeartbeatAgeSeconds)} ago",
            { State: "backoff" } => "no process; one is started again after a pause that grows to 30 s",
            _ => "no process",
        };
        console.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"[bold]worker {worker.Index}[/] of {document.Name} is [{StatusView.ColourOf(worker.State)}]{worker.State}[/]: {process}, generation {worker.Generation}");
        host.Out.WriteLine(
            $"{Figures.Count(worker.Connections)} of {Figures.Count(worker.ConnectionsLimit)} connections, {Figures.Count(worker.RequestsInFlight)} in flight, {Figures.Count(worker.RequestsTotal)} served, {Figures.Size(worker.RssBytes)}, {Figures.Time(worker.CpuSeconds)} of processor time");
        foreach (var line in StatusView.LastExit(worker))
        {
            host.Out.WriteLine(line);
        }

        if (document.OldestRequests is not { } oldest)
        {
            Section(host, "Oldest requests in flight", ["unknown: it did not answer within a second. See what it does with `green dump`, or whether it is stopped with ps"]);
        }
        else if (worker.RequestsInFlight > 0 || oldest.Count > 0)
        {
            Section(host, "Oldest requests in flight", oldest.Select(static one => $"{Figures.Time(one.AgeSeconds),8} {one.Method} {one.Path}"));
        }

        Section(host, "What happened", document.Events.Select(LogText.Of));
        Section(host, "Its last lines", document.Lines.Select(static line => $"{line.At.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture)} {line.Text}"));
    }

    private static void Section(ToolHost host, string title, IEnumerable<string> lines)
    {
        host.Out.WriteLine();
        host.Out.WriteLine(title);
        foreach (var line in lines.DefaultIfEmpty("nothing"))
        {
            host.Out.WriteLine($"  {line}");
        }
    }
}
