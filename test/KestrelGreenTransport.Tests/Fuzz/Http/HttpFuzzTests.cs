using System.Diagnostics;
using KestrelGreenTransport.Tests.Epoll;

namespace KestrelGreenTransport.Tests.Fuzz.Http;

/// <summary>Random streams of requests over random networks: the same answers, and the same end, as over Kestrel's own transport.</summary>
public class HttpFuzzTests
{
    private const int AtOnce = 4;

    // A server that is silent for this long has nothing more to say: no handler takes longer than a few milliseconds.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // Before a transport is blamed for silence, it gets the time that a busy machine may need.
    private static readonly TimeSpan MuchPatience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LimitOfShortening = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Random_requests_are_answered_as_over_the_reference()
    {
        var all = new List<(ServedBy By, ServedApp App)>();
        try
        {
            foreach (var by in Enum.GetValues<ServedBy>())
            {
                all.Add((by, await FuzzedApp.StartAsync(by)));
            }

            await FuzzBudget.Of(seconds: 4).RunAsync(AtOnce, seed => CompareAsync(seed, all));
            foreach (var (by, app) in all.Skip(1))
            {
                await Wait.UntilAsync(() => app.State.Pools.Single().Held == 0, $"all slots are back over {by}");
            }
        }
        finally
        {
            foreach (var (_, app) in all)
            {
                await app.DisposeAsync();
            }
        }
    }

    private static async Task CompareAsync(int seed, List<(ServedBy By, ServedApp App)> all)
    {
        var fuzzed = HttpCase.Of(seed);
        var expected = await fuzzed.RunAsync(all[0].App, Patience);
        foreach (var (by, app) in all.Skip(1).Where(one => fuzzed.Suits(one.By)))
        {
            var actual = await fuzzed.RunAsync(app, expected.IsSilent ? Patience : MuchPatience);
            if (!fuzzed.Agree(expected, actual) && expected.IsSilent)
            {
                expected = await fuzzed.RunAsync(all[0].App, MuchPatience);
            }

            if (!fuzzed.Agree(expected, actual))
            {
                await FailAsync(fuzzed, expected, actual, by, all[0].App, app);
            }
        }
    }

    // The fewest requests that still differ.
    private static async Task FailAsync(HttpCase fuzzed, HttpOutcome expected, HttpOutcome actual, ServedBy by, ServedApp reference, ServedApp app)
    {
        var watch = Stopwatch.StartNew();
        var again = await DifferAsync(fuzzed);
        for (var i = 0; again is not null && i < fuzzed.Exchanges.Count - 1 && watch.Elapsed < LimitOfShortening;)
        {
            var shorter = fuzzed.Without(i);
            if (await DifferAsync(shorter) is { } still)
            {
                (fuzzed, again) = (shorter, still);
            }
            else
            {
                i++;
            }
        }

        (expected, actual) = again ?? (expected, actual);
        var same = expected.Text.Zip(actual.Text).TakeWhile(static pair => pair.First == pair.Second).Count();
        Assert.Fail($"""
            Over {by} requests are answered otherwise than over Kestrel's own transport{(again is null ? ", but not each time" : "")}:
            {fuzzed}
            --- the reference: {expected.End}, {expected.Text.Length} characters, from number {same} on
            {Shown(expected.Text, same)}
            --- {by}: {actual.End}, {actual.Text.Length} characters
            {Shown(actual.Text, same)}
            """);

        async Task<(HttpOutcome Expected, HttpOutcome Actual)?> DifferAsync(HttpCase candidate)
        {
            for (var i = 0; i < 3; i++)
            {
                var (want, got) = (await candidate.RunAsync(reference, Patience), await candidate.RunAsync(app, Patience));
                if (!candidate.Agree(want, got))
                {
                    return (want, got);
                }
            }

            return null;
        }

        // The difference, and a little of the text before it.
        static string Shown(string text, int same)
        {
            var from = Math.Max(0, same - 200);
            return string.Concat(text[from..Math.Min(text.Length, same + 300)].Select(static one => one is >= ' ' and <= '~' or '\n' ? $"{one}" : one == '\r' ? "" : "."));
        }
    }
}
