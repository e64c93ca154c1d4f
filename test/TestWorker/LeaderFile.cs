using System.Globalization;
using KestrelGreenTransport;

namespace TestWorker;

/// <summary>
/// What only the leader does: it appends <c>PID begins</c> and <c>PID ends</c> to the file that TESTWORKER_LEADER names. It takes
/// its time to end, so that a second leader would show: 300 ms, and for as long as there is a file with the same name and
/// <c>.hold</c>.
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
