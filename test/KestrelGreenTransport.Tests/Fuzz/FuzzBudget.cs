using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Xunit.Sdk;

namespace KestrelGreenTransport.Tests.Fuzz;

/// <summary>
/// How long a fuzzer runs and where it starts: a few seconds from a random seed, unless build/fuzz.sh says otherwise. Each case
/// has its own seed, which a failure names: a run with that seed begins with the same case.
/// </summary>
internal sealed class FuzzBudget
{
    private readonly string _fuzzer;
    private readonly TimeSpan _limit;
    private readonly long _mostCases;
    private readonly int _first;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private long _next = -1;

    private FuzzBudget(string fuzzer, TimeSpan limit, long mostCases, int first) => (_fuzzer, _limit, _mostCases, _first) = (fuzzer, limit, mostCases, first);

    /// <summary>A budget of this many seconds, or of what the environment says.</summary>
    /// <param name="seconds">How long it runs in the test suite.</param>
    /// <param name="file">The fuzzer's file, which ends in FuzzTests.cs.</param>
    public static FuzzBudget Of(double seconds, [CallerFilePath] string file = "") => new(
        Path.GetFileNameWithoutExtension(file).Replace("FuzzTests", "", StringComparison.Ordinal),
        TimeSpan.FromSeconds(Given("FUZZ_SECONDS", seconds)),
        Given("FUZZ_CASES", long.MaxValue),
        Given("FUZZ_SEED", Random.Shared.Next()));

    /// <summary>The command that runs the case with this seed again.</summary>
    public string Again(int seed) => $"bash build/fuzz.sh --only {_fuzzer} --cases 1 --seed {seed}";

    /// <summary>Runs cases, a few at a time, until the budget is spent or a few different ones have failed; fails with all of them.</summary>
    public async Task RunAsync(int atOnce, Func<int, Task> runCase)
    {
        const int MostFailures = 5;
        var failures = new ConcurrentDictionary<string, string>();
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
        {
            while (failures.Count < MostFailures && TryNext(out var seed))
            {
                try
                {
                    await runCase(seed);
                }
                catch (Exception exception)
                {
                    // The same fault is reported once, whichever cases found it.
                    var told = exception is FailException ? exception.Message : exception.ToString();
                    failures.TryAdd(told, $"{Again(seed)}\n{told}");
                }
            }
        })));

        var spent = $"{_fuzzer}: {_next + 1} cases in {_watch.Elapsed.TotalSeconds:F1} s, seeds from {_first}";
        TestContext.Current.TestOutputHelper?.WriteLine(spent);
        TestContext.Current.SendDiagnosticMessage(spent);
        Assert.True(failures.IsEmpty, string.Join("\n\n", failures.Values));
    }

    // At least one case always runs.
    private bool TryNext(out int seed)
    {
        var number = Interlocked.Increment(ref _next);
        seed = unchecked(_first + (int)number);
        if (number == 0 || (number < _mostCases && _watch.Elapsed < _limit))
        {
            return true;
        }

        Interlocked.Decrement(ref _next);
        return false;
    }

    private static T Given<T>(string variable, T byDefault)
        where T : IParsable<T> =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? T.Parse(text, CultureInfo.InvariantCulture) : byDefault;
}
