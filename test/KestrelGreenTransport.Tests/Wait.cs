using System.Diagnostics;
using System.Globalization;

namespace KestrelGreenTransport.Tests;

/// <summary>Waits for a condition, with a generous limit.</summary>
internal static class Wait
{
    /// <summary>A minute, or what the environment says: an emulated processor needs more.</summary>
    public static readonly TimeSpan Limit =
        TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("WAIT_SECONDS") is { Length: > 0 } seconds ? int.Parse(seconds, CultureInfo.InvariantCulture) : 60);

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
