using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>Turns the APP argument of <c>green run</c> into the command that starts one worker.</summary>
internal sealed class AppResolver(string currentDirectory, string? dotnet, ICommandRunner commands)
{
    private const string DownloadPage = "https://dotnet.microsoft.com/download";

    /// <summary>The copies of built projects.</summary>
    public BuildFolders Builds { get; } = new(Path.GetTempPath());

    /// <summary>The command, or what is wrong: a sentence with the next step.</summary>
    /// <param name="app">The app as given.</param>
    /// <param name="arguments">The app's arguments.</param>
    /// <param name="others">Runs a build once there are workers, when only its errors are of interest; null: the default runner.</param>
    public AppResolution Resolve(string app, IReadOnlyList<string> arguments, ICommandRunner? others = null)
    {
        var path = Path.GetFullPath(app, currentDirectory);
        try
        {
            return Directory.Exists(path) ? OfFolder(app, path, arguments, others)
                : !File.Exists(path) ? Wrong($"{app} does not exist{Suggest(path)}")
                : IsProject(path) ? OfProject(path, arguments, others)
                : Path.GetExtension(path) is ".sln" or ".slnx" ? Wrong($"{app} is a solution: name the app's project.")
                : Path.GetExtension(path) == ".dll" ? OfDll(app, path, arguments)
                : OfExecutable(app, path, arguments);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return Wrong($"{app} cannot be read: {unreadable.Message}");
        }
    }

    private AppResolution OfDll(string app, string path, IReadOnlyList<string> arguments)
    {
        switch (AppFile.Managed(path))
        {
            case ManagedKind.None:
                return Wrong($"{app} is not a .NET assembly. Name the app's dll, its executable, or its project folder.");
            case ManagedKind.Library:
                return Wrong($"{app} is a library: it has no entry point. Name the dll of the app that uses it.");
        }

        var runtimeConfig = AppFile.RuntimeConfigOf(path);
        if (!File.Exists(runtimeConfig))
        {
            return Wrong($"{app} has no {Path.GetFileName(runtimeConfig)} next to it. Name the dll in the build or publish output (bin/…), not the one in obj/.");
        }

        if (AppFile.IsSelfContained(runtimeConfig))
        {
            var own = Path.ChangeExtension(path, null);
            return File.Exists(own)
                ? OfExecutable(Path.ChangeExtension(app, null), own, arguments)
                : Wrong($"{app} is self-contained, but its executable {Path.GetFileName(own)} is not next to it. Publish it again.");
        }

        return dotnet is null
            ? Wrong($"{app} needs the dotnet host, but there is none in DOTNET_ROOT or PATH. Install the runtime ({DownloadPage}) or name a self-contained executable.")
            : Found(new AppCommand(dotnet, [RealPath.OfFile(path), .. arguments], app));
    }

    private AppResolution OfExecutable(string app, string path, IReadOnlyList<string> arguments)
    {
        if (!AppFile.IsElf(path))
        {
            return Wrong(AppFile.IsScript(path)
                ? $"{app} is a script: a worker must be the app itself. Name its dll, its executable, or its project folder."
                : $"{app} is not a Linux program. Name the app's dll, its executable, or its project folder.");
        }

        return AppFile.MayExecute(path)
            ? Found(new AppCommand(RealPath.OfFile(path), [.. arguments], app))
            : Wrong($"{app} is not executable: chmod +x {app}");
    }

    private AppResolution OfFolder(string app, string path, IReadOnlyList<string> arguments, ICommandRunner? others)
    {
        var projects = Directory.EnumerateFiles(path).Where(IsProject).Order(StringComparer.Ordinal).ToList();
        if (projects is [var project])
        {
            return OfProject(project, arguments, others);
        }

        if (projects.Count > 1)
        {
            return Wrong($"{app} contains several projects: name one of {string.Join(", ", projects.Select(Shown))}.");
        }

        const string suffix = ".runtimeconfig.json";
        var published = Directory.EnumerateFiles(path, "*" + suffix).Select(static file => file[..^suffix.Length] + ".dll").Where(File.Exists)
            .Order(StringComparer.Ordinal).Select(Shown).ToList();
        return Wrong($"{app} contains no project{(published.Count == 0 ? "." : $"; did you mean {string.Join(" or ", published)}?")}");
    }

    // Two commands: the first one's output is for the user who waits, the second one's is for us.
    private AppResolution OfProject(string project, IReadOnlyList<string> arguments, ICommandRunner? others)
    {
        var shown = Shown(project);
        if (dotnet is null)
        {
            return Wrong($"{shown} needs the .NET SDK to build, but there is no dotnet in DOTNET_ROOT or PATH. Install it ({DownloadPage}) or name a built dll.");
        }

        // Build servers would outlive the build and hold its output open.
        string[] noServers = ["-nodeReuse:false", "-p:UseSharedCompilation=false"];
        string[] verbosity = others is null ? ["-v", "minimal"] : ["-v", "quiet", "-clp:NoSummary"];
        var runner = others ?? commands;
        var folder = Path.GetDirectoryName(project)!;
        var built = runner.Run(dotnet, ["build", project, "-c", "Release", "--nologo", .. verbosity, .. noServers], folder, capture: false);
        if (built.ExitCode != 0)
        {
            return Wrong($"{shown} does not build; see the errors above.");
        }

        var asked = runner.Run(
            dotnet, ["msbuild", project, "-p:Configuration=Release", "-getProperty:TargetPath", "-getProperty:ProjectAssetsFile", .. noServers], folder, capture: true);
        return asked.ExitCode == 0 && ProjectSource.ParseProperties(asked.Output) is { } said && File.Exists(said.Target)
            ? OfBuild(said.Target, new ProjectSource(Builds.Keep(Path.GetDirectoryName(said.Target)!), ProjectSource.SourcesOf(project, said.Assets), Builds), folder, arguments)
            : Wrong($"{shown} builds for several frameworks, or does not build a single file: name the built dll.");
    }

    // In the project's folder, like dotnet run: appsettings files are not copied to the build output.
    private AppResolution OfBuild(string target, ProjectSource source, string folder, IReadOnlyList<string> arguments)
    {
        var resolution = OfDll(Shown(target), Path.Combine(source.Folder, Path.GetFileName(target)), arguments);
        if (resolution.App is not { } app)
        {
            BuildFolders.Remove(source.Folder);
            return resolution;
        }

        return resolution with { App = app with { WorkingDirectory = folder, Project = source } };
    }

    private string Suggest(string missing)
    {
        var folder = Path.GetDirectoryName(missing);
        if (folder is null || !Directory.Exists(folder))
        {
            return $": there is no folder {folder}.";
        }

        var names = Directory.EnumerateFileSystemEntries(folder).Select(static entry => Path.GetFileName(entry)).ToList();
        var wanted = Path.GetFileName(missing);
        var closest = names.Contains(wanted + ".dll") ? wanted + ".dll" : Suggestion.Closest(wanted, names);
        return closest is null ? "." : $"; did you mean {Shown(Path.Combine(folder, closest))}?";
    }

    /// <summary>The path as one would write it in the current directory.</summary>
    private string Shown(string path)
    {
        var relative = Path.GetRelativePath(currentDirectory, path);
        return relative.StartsWith("..", StringComparison.Ordinal) || Path.IsPathRooted(relative) ? path : $"./{relative}";
    }

    private static bool IsProject(string path) => Path.GetExtension(path) is ".csproj" or ".fsproj" or ".vbproj";

    private AppResolution Found(AppCommand app) => new(app with { WorkingDirectory = RealPath.Of(currentDirectory) }, null);

    private static AppResolution Wrong(string error) => new(null, error);
}

/// <summary>The command that starts one worker, or what is wrong.</summary>
internal sealed record AppResolution(AppCommand? App, string? Error);
