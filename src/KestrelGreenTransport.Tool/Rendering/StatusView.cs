using System.Globalization;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;
using Spectre.Console;

namespace KestrelGreenTransport.Tool.Rendering;

/// <summary>The status document for a person: 80 columns, plain where it is piped, coloured on a terminal.</summary>
internal static class StatusView
{
    private static readonly string[] Columns = ["#", "PID", "STATE", "UP", "BEAT", "CONNS", "BUSY", "SERVED", "MEMORY", "CPU"];

    public static void Write(StatusDocument status, ToolHost host)
    {
        var console = PlainConsole.Of(host);
        var serving = status.Workers.Count(static worker => worker.State == WorkerPhase.Serving);
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
            $"[bold]{status.Name}[/] is [{ColourOf(status.State)}]{NoticeReporter.Name(status.State)}[/]: {serving}/{status.WorkersTarget} {(status.WorkersTarget == 1 ? "worker" : "workers")} serving, generation {status.Generation}, pid {status.SupervisorPid}, version {status.Version}");
        foreach (var listener in status.Listeners)
        {
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{listener.Endpoint}, {listener.Queued} of {listener.Backlog} in the queue");
        }

        console.WriteLine();
        console.Write(Workers(status));
        if (status.Workers.Count > 1 && status.Workers.FirstOrDefault(static worker => worker.Leader) is { } leader)
        {
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"worker {leader.Index} is the leader"));
        }

        foreach (var worker in status.Workers)
        {
            if (Warmth(worker) is { } warmth)
            {
                console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"worker {worker.Index}: {warmth}"));
            }

            foreach (var line in LastExit(worker))
            {
                console.WriteLine(line);
            }

            if (worker.State == WorkerPhase.Backoff)
            {
                console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  it will be restarted after a pause; its last output: green status {worker.Index}"));
            }
        }
    }

    private static Table Workers(StatusDocument status)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = true };
        foreach (var name in Columns)
        {
            var column = new TableColumn(name) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) };
            table.AddColumn(name is "STATE" ? column : column.RightAligned());
        }

        foreach (var worker in status.Workers)
        {
            table.AddRow(
                Plain(worker.Index.ToString(CultureInfo.InvariantCulture)),
                Plain(worker.Pid?.ToString(CultureInfo.InvariantCulture) ?? "-"),
                new Markup($"[{ColourOf(worker.State)}]{NoticeReporter.Name(worker.State)}[/]"),
                Plain(ShortFigures.Time(worker.UptimeSeconds)),
                Plain(ShortFigures.Time(worker.HeartbeatAgeSeconds)),
                Plain($"{ShortFigures.Count(worker.Connections)}/{ShortFigures.Count(worker.ConnectionsLimit)}"),
                Plain(ShortFigures.Count(worker.RequestsInFlight)),
                Plain(ShortFigures.Count(worker.RequestsTotal)),
                Plain(ShortFigures.Size(worker.RssBytes)),
                Plain(ShortFigures.Time(worker.CpuSeconds)));
        }

        return table;
    }

    /// <summary>The progress of a worker's warm-up, or that it is serving and not hot yet; null when there is nothing to say.</summary>
    public static string? Warmth(WorkerStatus worker) => worker switch
    {
        { WarmUp: { } part } => string.Create(CultureInfo.InvariantCulture, $"warm-up: {part * 100:0} % of its time, {worker.CompiledMethodsPerSecond ?? 0:0} methods/s compiled"),
        { Hot: false } => string.Create(
            CultureInfo.InvariantCulture, $"not hot yet, {worker.CpuMicrosecondsPerRequest:0} us of CPU per request, {worker.CompiledMethodsPerSecond ?? 0:0} methods/s compiled"),
        _ => null,
    };

    /// <summary>How the process before this one ended, if there was one.</summary>
    public static IEnumerable<string> LastExit(WorkerStatus worker)
    {
        if (worker.LastExit is not { } exit)
        {
            yield break;
        }

        var restarts = worker.Restarts == 1 ? "1 restart" : $"{worker.Restarts} restarts";
        yield return string.Create(CultureInfo.InvariantCulture, $"worker {worker.Index}: {restarts}, last: {How(exit)} at {At(exit)}");
        if (exit.Index is { } index && index != worker.Index)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  that was worker {index}, pid {exit.Pid}{(exit.Verdict is null ? "" : $"; it hung: {exit.Verdict}")}");
        }
        else if (exit.Verdict is { } verdict)
        {
            yield return $"  it hung: {verdict}";
        }
    }

    /// <summary>When a process ended.</summary>
    public static string At(LastExitStatus exit) => exit.At.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Why and how a process ended: <c>crash (SIGSEGV)</c>.</summary>
    public static string How(LastExitStatus exit) =>
        string.Create(CultureInfo.InvariantCulture, $"{exit.Reason} ({exit.Signal ?? (exit.ExitCode is { } code ? $"exit code {code}" : "exit unknown")})");

    private static Text Plain(string text) => new(text);

    public static string ColourOf(WorkerPhase state) => state switch
    {
        WorkerPhase.Serving => "green",
        WorkerPhase.Suspect or WorkerPhase.Killing or WorkerPhase.Backoff => "red",
        _ => "yellow",
    };

    public static string ColourOf(SupervisorPhase state) => state switch
    {
        SupervisorPhase.Running => "green",
        SupervisorPhase.Degraded => "red",
        _ => "yellow",
    };
}
