using System.Globalization;

namespace KestrelGreenTransport.Tool.Rendering;

/// <summary>Formats numbers to be read at a glance, in few columns.</summary>
internal static class ShortFigures
{
    private static readonly string[] Sizes = ["B", "KB", "MB", "GB", "TB"];

    /// <summary>The two largest units: <c>2d 3h</c>, <c>5m 12s</c>, <c>0.4s</c>; a dash if unknown.</summary>
    public static string Time(double? seconds)
    {
        if (seconds is not { } value)
        {
            return "-";
        }

        var time = TimeSpan.FromSeconds(value);
        return time switch
        {
            { TotalSeconds: < 10 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(value * 10) / 10:0.0}s"),
            { TotalMinutes: < 1 } => $"{time.Seconds}s",
            { TotalHours: < 1 } => $"{time.Minutes}m {time.Seconds}s",
            { TotalDays: < 1 } => $"{time.Hours}h {time.Minutes}m",
            _ => $"{time.Days}d {time.Hours}h",
        };
    }

    /// <summary>Binary units, at most three digits: <c>87 MB</c>.</summary>
    public static string Size(long bytes)
    {
        var (value, unit) = ((double)bytes, 0);
        while (value >= 1000 && unit < Sizes.Length - 1)
        {
            (value, unit) = (value / 1024, unit + 1);
        }

        return $"{value.ToString(value < 10 && unit > 0 ? "0.#" : "0", CultureInfo.InvariantCulture)} {Sizes[unit]}";
    }

    /// <summary>At most four digits: <c>9999</c>, <c>12k</c>, <c>3.4M</c>.</summary>
    public static string Count(long number) => number switch
    {
        < 10_000 => number.ToString(CultureInfo.InvariantCulture),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{number / 1000}k"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{Short(number / 1e6)}M"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Short(number / 1e9)}G"),
    };

    private static string Short(double value) => value.ToString(value < 100 ? "0.#" : "0", CultureInfo.InvariantCulture);
}
