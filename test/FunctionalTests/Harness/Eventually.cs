using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Harness;

/// <summary>
/// Waits for a condition. The limit is generous: it makes a failure end, and does not measure anything. WAIT_LIMIT_SECONDS sets
/// another limit, for longer runs or a busier machine.
/// </summary>
internal static class Eventually
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(
        int.TryParse(Environment.GetEnvironmentVariable("WAIT_LIMIT_SECONDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : 60);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Returns the first value that satisfies the condition. An exception from the look counts as not yet.</summary>
    public static async Task<T> Get<T>(string what, Func<Task<T>> look, Func<T, bool> satisfies, Func<string>? diagnostics = null, TimeSpan? limit = null)
    {
        var allowed = limit ?? Limit;
        var watch = Stopwatch.StartNew();
        object? last = null;
        while (watch.Elapsed < allowed)
        {
            try
            {
                var value = await look();
                if (satisfies(value))
                {
                    return value;
                }

                last = value;
            }
            catch (Exception e) when (e is not OperationCanceledException || watch.Elapsed < allowed)
            {
                last = e;
            }

            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }

        throw new TimeoutException($"Not within {allowed.TotalSeconds} s: {what}. Last seen: {Show(last)}\n{diagnostics?.Invoke()}");
    }

    public static Task True(string what, Func<bool> look, Func<string>? diagnostics = null) =>
        Get(what, () => Task.FromResult(look()), static value => value, diagnostics);

    private static string? Show(object? value) =>
        value is StatusDocument status ? JsonSerializer.Serialize(status, ControlJson.Default.StatusDocument) : value?.ToString();
}
