using KestrelGreenTransport.Supervisor.Building;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>Whether the app can be started, and whether it can be a worker.</summary>
internal static class AppCheck
{
    private const string Area = "app";
    private const string Library = "KestrelGreenTransport/";

    /// <param name="app">As it was named.</param>
    /// <param name="resolution">What came of it.</param>
    public static IEnumerable<Finding> Of(string app, AppResolution resolution)
    {
        if (resolution.App is not { } command)
        {
            yield return Finding.Problem(Area, resolution.Error!);
            yield break;
        }

        var file = command.Arguments is [var managed, ..] && managed.EndsWith(".dll", StringComparison.Ordinal) ? managed : command.FileName;
        var dependencies = Path.ChangeExtension(file.EndsWith(".dll", StringComparison.Ordinal) ? file : file + ".dll", ".deps.json");
        yield return !File.Exists(dependencies) || File.ReadAllText(dependencies).Contains($"\"{Library}", StringComparison.Ordinal)
            ? Finding.Ok(Area, $"{app} can be started")
            : Finding.Problem(Area, $"{app} does not reference KestrelGreenTransport ({Path.GetFileName(dependencies)} lists no such library): add it, and call builder.WebHost.UseGreenTransport().");
    }
}
