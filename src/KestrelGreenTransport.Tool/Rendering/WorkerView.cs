using System.Globalization;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;
using Spectre.Console;

namespace KestrelGreenTransport.Tool.Rendering;

/// <summary>One worker's story for a person: how it is or how it ended, what happened to it, what it wrote last.</summary>
internal static class WorkerView
{
    public static void Write(WorkerDocument document, ToolHost host)
    {
        var console = PlainConsole.Of(host);
        console.Profile.Width = int.MaxValue / 2;
        if (document.Worker is { } worker)
        {
            WriteLiving(document, worker, host, console);
        }
        else
        {
            WriteGone(document, document.Ended[0], host, console);
        }

        Section(host, "Events", document.Events.Select(LogText.Of));
        if (document.Worker?.Pid is not null)
        {
            Section(host, "Last lines", document.Lines.Select(Timed));
        }

        if (document.Ended is [var last, ..])
        {
            var whose = document.Worker is null ? "Last lines" : $"Last lines of its predecessor ({Named(last.Exit)})";
            Section(host, whose, document.LastWords.Select(Timed));
        }
    }

    private static void WriteLiving(WorkerDocument document, WorkerStatus worker, ToolHost host, IAnsiConsole console)
    {
        var process = worker switch
        {
            { Pid: { } pid } => $"pid {pid}, up {ShortFigures.Time(worker.UptimeSeconds)}, last heartbeat {ShortFigures.Time(worker.HeartbeatAgeSeconds)} ago",
            { State: WorkerPhase.Backoff } => "no process; a new one starts after a pause of up to 30 s",
            _ => "no process",
        };
        console.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"[bold]worker {worker.Index}[/] of {document.Name} is [{StatusView.ColourOf(worker.State)}]{NoticeReporter.Name(worker.State)}[/]: {process}, generation {worker.Generation}{(worker.Leader ? ", the leader" : "")}");
        host.Out.WriteLine(
            $"{ShortFigures.Count(worker.Connections)} of {ShortFigures.Count(worker.ConnectionsLimit)} connections, {ShortFigures.Count(worker.RequestsInFlight)} in flight, {ShortFigures.Count(worker.RequestsTotal)} served, {ShortFigures.Size(worker.RssBytes)}, {ShortFigures.Time(worker.CpuSeconds)} of CPU time");
        if (StatusView.Warmth(worker) is { } warmth)
        {
            host.Out.WriteLine(warmth);
        }
        else if (worker is { Hot: true, CpuMicrosecondsPerRequest: { } cost })
        {
            host.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"hot, {cost:0} us of CPU per request"));
        }

        foreach (var line in document.Ended.Count > 0 ? document.Ended.Select(Described) : StatusView.LastExit(worker))
        {
            host.Out.WriteLine(line);
        }

        if (document.OldestRequests is not { } oldest)
        {
            Section(host, "Oldest requests in flight", ["unknown: it did not answer within a second. Use `green dump` to see what it is doing, or ps to see whether it is stopped"]);
        }
        else if (worker.RequestsInFlight > 0 || oldest.Count > 0)
        {
            Section(host, "Oldest requests in flight", oldest.Select(static one => $"{ShortFigures.Time(one.AgeSeconds),8} {one.Method} {one.Path}"));
        }
    }

    private static void WriteGone(WorkerDocument document, EndedStatus gone, ToolHost host, IAnsiConsole console)
    {
        console.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"[bold]worker {gone.Exit.Index}[/] of {document.Name} is [red]gone[/] since {StatusView.At(gone.Exit)}: pid {gone.Exit.Pid}, generation {gone.Generation}, reason: {StatusView.How(gone.Exit)}{Hung(gone.Exit)}");
        host.Out.WriteLine(gone.Heir is { } replacement ? $"replaced by worker {replacement}: green status {replacement}" : "not replaced");
        foreach (var before in document.Ended.Skip(1))
        {
            host.Out.WriteLine(Described(before));
        }
    }

    private static string Described(EndedStatus ended) =>
        string.Create(CultureInfo.InvariantCulture, $"predecessor: {Named(ended.Exit)}, generation {ended.Generation}, until {StatusView.At(ended.Exit)}: {StatusView.How(ended.Exit)}{Hung(ended.Exit)}");

    private static string Named(LastExitStatus exit) => string.Create(CultureInfo.InvariantCulture, $"worker {exit.Index}, pid {exit.Pid}");

    private static string Hung(LastExitStatus exit) => exit.Verdict is { } verdict ? $", hung: {verdict}" : "";

    private static string Timed(LogLine line) => $"{line.At.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture)} {line.Text}";

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
