using System.Collections.Immutable;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>What WarmUp names: paths, and files of requests.</summary>
internal static class WarmUpSource
{
    public const string Range = "a path that begins with '/', or @ and a file of requests";

    // Room for the rest of the message.
    private const int MostBytes = LifelineMessage.MaxSize - 1024;

    /// <summary>What is wrong with one value, as far as it alone can tell; null when nothing is.</summary>
    public static string? Check(string value) => value is ['@', _, ..] || WarmUpRequest.ProblemOfPath(value) is null ? null : $"must be {Range}, such as /health or @warmup.http";

    /// <summary>The requests that the settings name. What is wrong with a file goes to <paramref name="problems"/>.</summary>
    public static ImmutableArray<WarmUpRequest> Read(LoadedSettings settings, string currentDirectory, ICollection<string> problems)
    {
        var requests = new List<WarmUpRequest>();
        foreach (var value in settings.Options.WarmUp)
        {
            if (value is not ['@', .. var file])
            {
                requests.Add(new WarmUpRequest("GET", value));
                continue;
            }

            try
            {
                requests.AddRange(WarmUpFile.Parse(File.ReadAllText(Path.GetFullPath(file, currentDirectory))));
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or FormatException)
            {
                problems.Add($"WarmUp ('{value}', {Origin()}) cannot be read: {unreadable.Message.TrimEnd('.')}.");
            }
        }

        var bytes = new LifelineMessage { Type = LifelineTypes.Warm, WarmUp = [.. requests] }.ToUtf8().Length;
        if (requests.Count > WarmUpRequest.Most || bytes > MostBytes)
        {
            problems.Add(
                $"WarmUp ({Origin()}) names {requests.Count} requests of {bytes} bytes in all: {WarmUpRequest.Most} and {MostBytes} are the most. "
                + "Leave out what runs the same code.");
        }

        return [.. requests];

        SettingOrigin Origin() => settings.Origins[SettingsCatalogue.WarmUp];
    }
}
