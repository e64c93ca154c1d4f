using System.Collections.Immutable;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>The values of WarmUp: paths, and files of requests.</summary>
internal static class WarmUpSource
{
    public const string Range = "a path that starts with '/', @ and a file of requests, or recorded";

    private const string Recorded = "recorded";

    // Room for the rest of the message.
    private const int MostBytes = LifelineMessage.MaxSize - 1024;

    /// <summary>What is wrong with one value by itself, or null.</summary>
    public static string? Check(string value) => QueryOf(value) is not null || value is ['@', _, ..] || WarmUpRequest.ProblemOfPath(value) is null ? null : $"must be {Range}, such as /health or @warmup.http";

    /// <summary>The names of the query's parameters whose values may be recorded, as <c>?page&amp;sort</c>; null if the value does not ask for recorded routes.</summary>
    public static string? QueryOf(string value) => value == Recorded ? "?" : value.StartsWith($"{Recorded}?", StringComparison.Ordinal) ? value[Recorded.Length..] : null;

    /// <summary>The requests that the settings name. Problems of a file are added to <paramref name="problems"/>.</summary>
    public static ImmutableArray<WarmUpRequest> Read(LoadedSettings settings, string currentDirectory, ICollection<string> problems)
    {
        var requests = new List<WarmUpRequest>();
        foreach (var value in settings.Options.WarmUp.Where(static value => QueryOf(value) is null))
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
                $"WarmUp ({Origin()}) names {Counted.Of(requests.Count, "request")} of {bytes} bytes in total; the limits are {WarmUpRequest.Most} requests and {MostBytes} bytes. "
                + "Remove requests that run the same code.");
        }

        return [.. requests];

        SettingOrigin Origin() => settings.Origins[SettingsCatalogue.WarmUp];
    }
}
