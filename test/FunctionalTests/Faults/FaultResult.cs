using System.Globalization;

namespace FunctionalTests.Faults;

/// <summary>What became of one run of one fault; the problem is what was not as it should be, or null.</summary>
internal sealed record FaultResult(
    string Name, string Way, int Seed, long Requests, long Lost, int Allowed, string Reason, TimeSpan Duration, string? Problem)
{
    private static readonly Lock Gate = new();

    /// <summary>Adds a line to the file that build/faults.sh makes its table of, if it asked for one.</summary>
    public void Keep()
    {
        if (Environment.GetEnvironmentVariable("FAULT_RESULTS") is not { Length: > 0 } file)
        {
            return;
        }

        lock (Gate)
        {
            File.AppendAllText(file, string.Join('\t', Name, Way, Number(Seed), Number(Requests), Number(Lost), Number(Allowed), Reason, Number((long)Duration.TotalMilliseconds), Problem is null ? "ok" : "FAILED") + "\n");
        }
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
