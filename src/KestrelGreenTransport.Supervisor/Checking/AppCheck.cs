using KestrelGreenTransport.Supervisor.Building;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>Whether the app can be started, and whether it can be a worker.</summary>
internal static class AppCheck
{
    private const string Area = "app";
    private const string Library = "KestrelGreenTransport/";

    /// <param name="app">The app as given.</param>
    /// <param name="resolution">The result of resolving it.</param>
    public static IEnumerable<Finding> Of(string app, AppResolution resolution)
    {
        if (resolution.App is not { } command)
        {
            yield return Finding.Problem(Area, resolution.Error!);
            yield break;
        }

        var dependencies = AppFile.Beside(command, ".deps.json");
        yield return !File.Exists(dependencies) || File.ReadAllText(dependencies).Contains($"\"{Library}", StringComparison.Ordinal)
            ? Finding.Ok(Area, $"{app} can be started")
            : Finding.Problem(Area, $"{app} does not reference KestrelGreenTransport ({Path.GetFileName(dependencies)} lists no such library): add it, and call builder.WebHost.UseGreenTransport().");
    }
}
