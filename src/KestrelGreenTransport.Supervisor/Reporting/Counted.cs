using System.Globalization;

namespace KestrelGreenTransport.Supervisor.Reporting;

/// <summary>A number with its noun: "1 worker", "2 workers".</summary>
internal static class Counted
{
    /// <param name="number">How many.</param>
    /// <param name="noun">The singular of a noun that takes an -s.</param>
    public static string Of(long number, string noun) => string.Create(CultureInfo.InvariantCulture, $"{number} {noun}{(number == 1 ? "" : "s")}");
}
