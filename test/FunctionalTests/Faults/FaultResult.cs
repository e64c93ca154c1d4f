using System.Globalization;

namespace FunctionalTests.Faults;

/// <summary>The result of one run of one fault. The problem says what was wrong, or is null.</summary>
internal sealed record FaultResult(
    string Name, string Way, int Seed, long Requests, long Lost, int Allowed, string Reason, TimeSpan Duration, string? Problem)
{
    private static readonly Lock Gate = new();

    /// <summary>Adds a line to the file from which build/faults.sh makes its table, if it asked for one.</summary>
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
