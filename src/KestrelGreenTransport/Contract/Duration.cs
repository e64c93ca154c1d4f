using System.Globalization;
using System.Text;

namespace KestrelGreenTransport.Contract;

/// <summary>
/// Durations as people write them: <c>250ms</c>, <c>30s</c>, <c>5m</c>, <c>1h30m</c>, <c>2d</c>; a bare number is
/// seconds, as in gunicorn's settings; <c>hh:mm:ss</c> is accepted too, as .NET's configuration writes it.
/// </summary>
internal static class Duration
{
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = default;
        text = text?.Trim();
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds))
        {
            return TryMultiply(seconds, TimeSpan.TicksPerSecond, ref duration);
        }

        if (text.Contains(':', StringComparison.Ordinal))
        {
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out duration) && duration >= TimeSpan.Zero;
        }

        var position = 0;
        while (position < text.Length)
        {
            var start = position;
            while (position < text.Length && (char.IsAsciiDigit(text[position]) || text[position] == '.'))
            {
                position++;
            }

            if (!decimal.TryParse(text.AsSpan(start, position - start), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            start = position;
            while (position < text.Length && char.IsAsciiLetter(text[position]))
            {
                position++;
            }

            var unit = text.AsSpan(start, position - start) switch
            {
                "ms" => TimeSpan.TicksPerMillisecond,
                "s" => TimeSpan.TicksPerSecond,
                "m" => TimeSpan.TicksPerMinute,
                "h" => TimeSpan.TicksPerHour,
                "d" => TimeSpan.TicksPerDay,
                _ => 0,
            };
            if (unit == 0 || !TryMultiply(number, unit, ref duration))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The shortest form that <see cref="TryParse"/> reads back to the same value: <c>1h30m</c>, <c>250ms</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero)
        {
            return "0s";
        }

        var text = new StringBuilder();
        Append(duration.Days, "d");
        Append(duration.Hours, "h");
        Append(duration.Minutes, "m");
        Append(duration.Seconds, "s");
        var rest = duration.Ticks % TimeSpan.TicksPerSecond;
        if (rest != 0)
        {
            text.Append(((double)rest / TimeSpan.TicksPerMillisecond).ToString("0.####", CultureInfo.InvariantCulture)).Append("ms");
        }

        return text.ToString();

        void Append(int number, string unit)
        {
            if (number != 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"{number}{unit}");
            }
        }
    }

    // Exact: a double cannot hold every tick of thousands of years.
    private static bool TryMultiply(decimal number, long unit, ref TimeSpan sum)
    {
        if (number > long.MaxValue / unit || number * unit > long.MaxValue - sum.Ticks)
        {
            return false;
        }

        sum = TimeSpan.FromTicks(sum.Ticks + (long)Math.Round(number * unit));
        return true;
    }
}
