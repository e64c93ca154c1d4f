using System.Globalization;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.WarmUp;

/// <summary>
/// Tells whether the runtime has finished compiling what a warm-up uses. It decides purely.
///
/// Hot means that the methods in use are compiled with optimisation. The runtime compiles a method with counters after 30 calls,
/// and optimised after 30 more. Both wait until no new method has been called for a while (the tiering delay), so one quiet
/// moment proves nothing: it takes enough rounds, and a pause longer than this delay.
/// </summary>
/// <param name="delay">The runtime's tiering delay.</param>
internal sealed class HeatGauge(TimeSpan delay)
{
    /// <summary>How often each request is made at least: twice 30 calls, plus a few.</summary>
    public const int LeastRounds = 70;

    /// <summary>How long the compiler must have been quiet.</summary>
    public TimeSpan Window { get; } = delay * 3 > LeastWindow ? delay * 3 : LeastWindow;

    private static readonly TimeSpan LeastWindow = TimeSpan.FromMilliseconds(500);

    private readonly Queue<(TimeSpan At, long Methods)> _samples = [];
    private int _rounds;

    /// <summary>Adds a finished round.</summary>
    /// <param name="at">The time since the warm-up began.</param>
    /// <param name="methods">How many methods the runtime has compiled so far.</param>
    /// <returns>Whether the process is hot.</returns>
    public bool Add(TimeSpan at, long methods)
    {
        _rounds++;
        _samples.Enqueue((at, methods));
        while (_samples.Count > 1 && at - _samples.ElementAt(1).At >= Window)
        {
            _samples.Dequeue();
        }

        var (since, before) = _samples.Peek();
        return _rounds >= LeastRounds && at - since >= Window && methods - before <= BoardRecord.FewMethodsPerSecond * (at - since).TotalSeconds;
    }

    /// <summary>
    /// This process's tiering delay, from the variables that the runtime reads: ten times as long where it sees only one processor.
    /// </summary>
    public static TimeSpan DelayOf(int processors, Func<string, string?> variable)
    {
        var delay = Hex("TC_CallCountingDelayMs") ?? 100;
        return TimeSpan.FromMilliseconds(processors > 1 ? delay : delay * (Hex("TC_DelaySingleProcMultiplier") ?? 10));

        int? Hex(string name) =>
            int.TryParse(variable($"DOTNET_{name}") ?? variable($"COMPlus_{name}"), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            && value is >= 0 and <= 100_000 ? value : null;
    }
}
