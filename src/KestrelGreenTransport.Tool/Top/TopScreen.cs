using System.Globalization;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Tool.Rendering;

namespace KestrelGreenTransport.Tool.Top;

/// <summary>Draws the model as lines that fit a window of any size; 80 columns show everything.</summary>
internal static class TopScreen
{
    private const string Keys = "up/down choose  r restart  d drain  x dump  +/- scale  q quit  * leader";

    // Header, its rule, the table's header, the message and the keys.
    private const int LinesBesides = 6;

    public static IReadOnlyList<string> Draw(TopModel model, int width, int height, bool coloured)
    {
        var paint = new Paint(coloured);
        if (model.Now is not { Status: var status })
        {
            return [Fit(model.Message, width)];
        }

        var total = model.Total;
        var serving = status.Workers.Count(static worker => worker.State == WorkerPhase.Serving);
        var lines = new List<string>
        {
            Head(status, serving, width, paint),
            Fit(string.Create(CultureInfo.InvariantCulture,
                $"{Rate(total.RequestsPerSecond)} req/s  {Rate(total.FailedPerSecond)} failed/s  p50 {Latency(total.P50)}  p99 {Latency(total.P99)}  {status.Listeners.Sum(static one => one.Queued)} in the queue  {Restarts(status.Workers.Sum(static one => one.Restarts))}"), width),
            "",
            paint.Dim(Fit("   #     PID STATE      BEAT     CONNS  REQ/S     P50     P99   CPU    RSS  RST", width)),
        };
        var room = Math.Max(1, height - LinesBesides);
        lines.AddRange(Visible(status.Workers, model.Chosen, room).Select(worker => Row(model, worker, width, paint)));

        var left = height - lines.Count - 3;
        if (left > 0)
        {
            lines.Add("");
            lines.AddRange(model.Events.TakeLast(left).Select(line => Event(line, width, paint)));
        }

        while (lines.Count < height - 2)
        {
            lines.Add("");
        }

        return [.. lines.Take(Math.Max(0, height - 2)), paint.Bold(Fit(model.Message, width)), paint.Dim(Fit(Keys, width))];
    }

    private static string Restarts(int number) => string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? "restart" : "restarts")}");

    private static string Head(StatusDocument status, int serving, int width, Paint paint)
    {
        var up = ShortFigures.Time((TimeProvider.System.GetUtcNow() - status.StartedAt).TotalSeconds);
        var state = NoticeReporter.Name(status.State);
        var text = Fit($"{status.Name}  {state}  {serving}/{status.WorkersTarget} serving  generation {status.Generation}  up {up}  pid {status.SupervisorPid}", width);
        var at = status.Name.Length + 2;
        return text.Length >= at + state.Length
            ? paint.Bold(text[..at]) + paint.In(StatusView.ColourOf(status.State), state) + text[(at + state.Length)..]
            : text;
    }

    // The chosen one is always among those that there is room for.
    private static IEnumerable<WorkerStatus> Visible(IReadOnlyList<WorkerStatus> workers, int? chosen, int room)
    {
        var at = Math.Max(0, workers.ToList().FindIndex(worker => worker.Index == chosen));
        return workers.Skip(Math.Clamp(at - room + 1, 0, Math.Max(0, workers.Count - room))).Take(room);
    }

    private static string Row(TopModel model, WorkerStatus worker, int width, Paint paint)
    {
        var rates = model.RatesOf(worker.Index);
        var mark = worker.Index == model.Chosen ? ">" : " ";
        var before = string.Create(CultureInfo.InvariantCulture, $"{mark}{worker.Index,3}{(worker.Leader ? '*' : ' ')}{(worker.Pid?.ToString(CultureInfo.InvariantCulture) ?? "-"),7} ");
        var state = (worker.Hot == false ? "cold" : NoticeReporter.Name(worker.State)).PadRight(8);
        var served = worker.WarmUp is { } part
            ? string.Create(CultureInfo.InvariantCulture, $"  warm-up {part * 100:0}%, {worker.CompiledMethodsPerSecond ?? 0:0} methods/s").PadRight(32)
            : string.Create(CultureInfo.InvariantCulture,
                $"{$"{ShortFigures.Count(worker.Connections)}/{ShortFigures.Count(worker.ConnectionsLimit)}",9} {Rate(rates.RequestsPerSecond),6} {Latency(rates.P50),7} {Latency(rates.P99),7}");
        var rest = string.Create(CultureInfo.InvariantCulture,
            $" {ShortFigures.Time(worker.HeartbeatAgeSeconds),6} {served} {Cpu(model.CpuOf(worker)),5} {ShortFigures.Size(worker.RssBytes),6} {worker.Restarts,4}");
        var line = Fit(before + state + rest, width);
        return line.Length >= before.Length + state.Length
            ? line[..before.Length] + paint.In(worker.Hot == false ? "yellow" : StatusView.ColourOf(worker.State), state) + line[(before.Length + state.Length)..]
            : line;
    }

    private static string Event(LogLine line, int width, Paint paint)
    {
        var text = Fit($"{line.At.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture)} {line.Text.Replace('\n', ' ')}", width);
        return line.Level is "error" or "critical" ? paint.In("red", text) : line.Level == "warning" ? paint.In("yellow", text) : text;
    }

    // A worker's words are data: a control character in them must not steer the terminal.
    private static string Fit(string text, int width)
    {
        var plain = string.Concat(text.Select(static c => char.IsControl(c) || TerminalText.Steers(c) ? '?' : c));
        return plain.Length <= width ? plain : plain[..width];
    }

    private static string Rate(double rate) => rate >= 100 ? ShortFigures.Count((long)rate) : rate.ToString("0.#", CultureInfo.InvariantCulture);

    private static string Cpu(double? percent) => percent is { } used ? used.ToString("0", CultureInfo.InvariantCulture) + "%" : "-";

    private static string Latency(double? seconds) => seconds switch
    {
        null => "-",
        < 0.001 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e6:0}us"),
        < 0.1 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e3:0.0}ms"),
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e3:0}ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0}s"),
    };

    private sealed class Paint(bool coloured)
    {
        public string Bold(string text) => Code("1", text);

        public string Dim(string text) => Code("2", text);

        public string In(string colour, string text) => Code(colour switch { "green" => "32", "red" => "31", _ => "33" }, text);

        private string Code(string code, string text) => coloured && text.Length > 0 ? $"\e[{code}m{text}\e[0m" : text;
    }
}
