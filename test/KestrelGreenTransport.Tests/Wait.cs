using System.Diagnostics;

namespace KestrelGreenTransport.Tests;

/// <summary>Waits for a fact, with a generous limit.</summary>
internal static class Wait
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static Task UntilAsync(Func<bool> fact, string what) => UntilAsync(() => Task.FromResult(fact()), what);

    public static async Task UntilAsync(Func<Task<bool>> fact, string what)
    {
        var started = Stopwatch.StartNew();
        while (!await fact())
        {
            Assert.True(started.Elapsed < Limit, $"Not within {Limit}: {what}.");
            await Task.Delay(5);
        }
    }

    public static Task<T> ForAsync<T>(Task<T> task) => task.WaitAsync(Limit);

    public static Task ForAsync(Task task) => task.WaitAsync(Limit);
}
