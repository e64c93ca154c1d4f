using System.Diagnostics;
using KestrelGreenTransport.Tests.Epoll;

namespace KestrelGreenTransport.Tests.Fuzz.Pipes;

/// <summary>
/// Random stories of an app that handles a raw connection, and of its client. Over each of our transports all reads, flushes,
/// exceptions and ends are the same as over Kestrel's own.
/// </summary>
public class PipeFuzzTests
{
    private const int AtOnce = 4;

    private static readonly TimeSpan LimitOfShortening = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Random_stories_of_a_connection_end_as_over_the_reference()
    {
        var all = new List<(ServedBy By, ServedApp App, Func<PipeStory, Task<string>> Run)>();
        try
        {
            foreach (var by in Enum.GetValues<ServedBy>())
            {
                var (app, run) = await PipeRun.StartAsync(by);
                all.Add((by, app, run));
            }

            await FuzzBudget.Of(seconds: 4).RunAsync(AtOnce, seed => CompareAsync(seed, all[0].Run, all.Skip(1).Select(static one => (one.By, one.Run))));
            foreach (var (by, app, _) in all.Skip(1))
            {
                await Wait.UntilAsync(() => app.State.Pools.Single().Held == 0, $"all slots are back over {by}");
            }
        }
        finally
        {
            foreach (var (_, app, _) in all)
            {
                await app.DisposeAsync();
            }
        }
    }

    private static async Task CompareAsync(int seed, Func<PipeStory, Task<string>> reference, IEnumerable<(ServedBy By, Func<PipeStory, Task<string>> Run)> others)
    {
        var story = PipeStory.Of(seed);
        var expected = await reference(story);
        foreach (var (by, run) in others)
        {
            var actual = await run(story);
            if (actual != expected)
            {
                await FailAsync(story, expected, actual, by, reference, run);
            }
        }
    }

    // The shortest story that still differs.
    private static async Task FailAsync(
        PipeStory story, string expected, string actual, ServedBy by, Func<PipeStory, Task<string>> reference, Func<PipeStory, Task<string>> run)
    {
        var watch = Stopwatch.StartNew();
        var again = await DifferAsync(story);
        for (var count = story.Steps.Count / 2; again is not null && count > 0; count /= 2)
        {
            for (var first = 0; first < story.Steps.Count && watch.Elapsed < LimitOfShortening;)
            {
                if (story.Without(first, count) is { } shorter && await DifferAsync(shorter) is { } still)
                {
                    (story, again) = (shorter, still);
                }
                else
                {
                    first += count;
                }
            }
        }

        (expected, actual) = again ?? (expected, actual);
        Assert.Fail($"""
            Over {by} a story ends otherwise than over Kestrel's own transport{(again is null ? ", but not each time" : "")}:
            {story}
            --- the reference
            {expected}
            --- {by}
            {actual}
            """);

        async Task<(string Expected, string Actual)?> DifferAsync(PipeStory candidate)
        {
            for (var i = 0; i < 3; i++)
            {
                var (want, got) = (await reference(candidate), await run(candidate));
                if (want != got)
                {
                    return (want, got);
                }
            }

            return null;
        }
    }
}
