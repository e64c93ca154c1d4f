using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.WarmUp;

/// <summary>Warms this worker because its supervisor said so, and says what came of it.</summary>
internal sealed class WarmUpRun(SelfRequest request, TimeProvider time, ILogger logger)
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
        try
        {
            var status = await request.GetAsync(path);
            if (status is null)
            {
                return $"no endpoint answered {path}";
            }

            if (status >= FirstServerError)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{path} was answered with {status}");
            }

            WorkerLog.Warmed(logger, path, status.Value, time.GetElapsedTime(start).TotalMilliseconds);
            return null;
        }
        catch (Exception e)
        {
            return $"{path} failed: {e.Message}";
        }
    }
}
