using System.Globalization;
using KestrelGreenTransport;

namespace TestWorker;

/// <summary>
/// What only the leader does, as TESTWORKER_LEADER asks: it appends <c>PID begins</c> and <c>PID ends</c> to that file,
/// and takes its time to end, so that a second leader would show: 300 ms, and as long as there is a file of that name
/// with <c>.hold</c>.
/// </summary>
internal sealed class LeaderFile(IGreenWorker worker) : BackgroundService
{
    private static readonly string? Path = Environment.GetEnvironmentVariable("TESTWORKER_LEADER");

    public static bool IsWanted => Path is not null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Append(worker.IsLeader ? "begins" : "begins though it does not lead");
        await Task.Delay(Timeout.Infinite, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.Delay(TimeSpan.FromMilliseconds(300), CancellationToken.None);
        while (File.Exists(Path + ".hold"))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), CancellationToken.None);
        }

        Append("ends");
    }

    private static void Append(string what) =>
        File.AppendAllText(Path!, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {what}\n"));
}
