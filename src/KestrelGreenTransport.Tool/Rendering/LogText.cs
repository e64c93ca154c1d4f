using System.Globalization;
using KestrelGreenTransport.Supervisor.Control;

namespace KestrelGreenTransport.Tool.Rendering;

/// <summary>A line of the journal as the supervisor itself prints it.</summary>
internal static class LogText
{
    public static string Of(LogLine line) => line.Level is { } level
        ? string.Create(CultureInfo.InvariantCulture, $"[green] {line.At.ToLocalTime():yyyy-MM-dd HH:mm:ss.fff} {Short(level)}: {line.Text}")
        : string.Create(CultureInfo.InvariantCulture, $"[worker {line.Worker}] {line.Text}");

    private static string Short(string level) => level switch
    {
        "critical" => "crit",
        "error" => "fail",
        "warning" => "warn",
        _ => "info",
    };
}
