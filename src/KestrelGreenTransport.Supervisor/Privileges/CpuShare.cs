using System.Globalization;

namespace KestrelGreenTransport.Supervisor.Privileges;

/// <summary>Which processors a worker is tied to. A pure function.</summary>
internal static class CpuShare
{
    private const string Auto = "auto";
    public const int Most = 1024;

    /// <summary>Parses the setting: a number of processors, or 0 for auto.</summary>
    public static bool TryParse(string text, out int perWorker)
    {
        perWorker = 0;
        return text.Equals(Auto, StringComparison.OrdinalIgnoreCase)
            || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out perWorker) && perWorker is >= 1 and <= Most);
    }

    /// <summary>The worker's processors: consecutive ones in the list, assigned by index, wrapping around at its end.</summary>
    /// <param name="setting">The setting, already checked.</param>
    /// <param name="index">The worker's index, from 1.</param>
    /// <param name="workers">How many workers are wanted.</param>
    /// <param name="allowed">The processors that this supervisor may use.</param>
    public static IReadOnlyList<int> Of(string setting, int index, int workers, IReadOnlyList<int> allowed)
    {
        _ = TryParse(setting, out var perWorker);
        if (perWorker == 0)
        {
            perWorker = Math.Max(1, allowed.Count / workers);
        }

        var first = (long)(index - 1) * perWorker;
        return [.. Enumerable.Range(0, Math.Min(perWorker, allowed.Count)).Select(i => allowed[(int)((first + i) % allowed.Count)]).Order()];
    }
}
