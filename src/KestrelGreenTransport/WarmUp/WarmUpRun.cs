using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.WarmUp;

/// <summary>Warms this worker because its supervisor said so, each of its hosts, and says what came of it.</summary>
/// <param name="requests">The ways into the hosts that have started.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">For what came of it.</param>
internal sealed class WarmUpRun(Func<IReadOnlyList<SelfRequest>> requests, TimeProvider time, ILogger logger)
{
    private const int FirstServerError = 500;

    /// <summary>Begins. Returns at once: whoever asks has its own work.</summary>
    /// <param name="path">What to ask for.</param>
    /// <param name="ended">Gets what was wrong; null when nothing was. Called on the thread pool.</param>
    public void Begin(string path, Action<string?> ended) => Task.Run(async () => ended(await RunAsync(path)));

    [SuppressMessage("Design", "CA1031", Justification = "Whatever it is, the supervisor decides what it means.")]
    private async Task<string?> RunAsync(string path)
    {
        var start = time.GetTimestamp();
        int? worst = null;
        try
        {
            foreach (var request in requests())
            {
                var status = await request.GetAsync(path);
                worst = worst > status ? worst : status ?? worst;
            }
        }
        catch (Exception e)
        {
            return $"{path} failed: {e.Message}";
        }

        if (worst is not { } answer)
        {
            return $"no endpoint answered {path}";
        }

        if (answer >= FirstServerError)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{path} was answered with {answer}");
        }

        WorkerLog.Warmed(logger, path, answer, time.GetElapsedTime(start).TotalMilliseconds);
        return null;
    }
}
