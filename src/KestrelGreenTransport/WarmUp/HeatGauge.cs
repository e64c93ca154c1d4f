using System.Globalization;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.WarmUp;

/// <summary>
/// Whether the runtime is done with compiling what a warm-up asks for. It decides purely.
///
/// Hot means that the methods in use are compiled with optimisation. A method is called 30 times before it is compiled with
/// counters, and 30 times more before the optimised version is made; both wait until no new method was called for a while (the
/// tiering delay), so that one quiet moment says nothing: it takes enough rounds, and a pause that is longer than this delay.
/// </summary>
/// <param name="delay">The runtime's tiering delay.</param>
internal sealed class HeatGauge(TimeSpan delay)
{
    /// <summary>How often each request is made at least: twice 30 calls, and a few more.</summary>
    public const int LeastRounds = 70;

    /// <summary>How long it must have been quiet.</summary>
    public TimeSpan Window { get; } = delay * 3 > LeastWindow ? delay * 3 : LeastWindow;

    private static readonly TimeSpan LeastWindow = TimeSpan.FromMilliseconds(500);

    private readonly Queue<(TimeSpan At, long Methods)> _samples = [];
    private int _rounds;

    /// <summary>A round is over.</summary>
    /// <param name="at">Since the beginning.</param>
    /// <param name="methods">How many methods the runtime has compiled in all.</param>
    /// <returns>Whether it is hot.</returns>
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

    /// <summary>The delay of this process, by the variables that the runtime reads (docs/design of tiered compilation): ten times as long where it sees one processor.</summary>
    public static TimeSpan DelayOf(int processors, Func<string, string?> variable)
    {
        var delay = Hex("TC_CallCountingDelayMs") ?? 100;
        return TimeSpan.FromMilliseconds(processors > 1 ? delay : delay * (Hex("TC_DelaySingleProcMultiplier") ?? 10));

        int? Hex(string name) =>
            int.TryParse(variable($"DOTNET_{name}") ?? variable($"COMPlus_{name}"), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            && value is >= 0 and <= 100_000 ? value : null;
    }
}
