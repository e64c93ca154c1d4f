using System.Collections.Immutable;
using System.Text.Json;

namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>The project that an app was built from.</summary>
/// <param name="Folder">The copy of the build that its workers run from.</param>
/// <param name="Sources">The folders of the project and of those that it references.</param>
/// <param name="Builds">The owner of the copy.</param>
internal sealed record ProjectSource(string Folder, ImmutableArray<string> Sources, BuildFolders Builds)
{
    /// <summary>The folders of a project and of all projects that it references, from the output of its restore.</summary>
    /// <param name="project">The project file.</param>
    /// <param name="assets">The path of its <c>project.assets.json</c>; if it cannot be read, only the project's own folder is returned.</param>
    public static ImmutableArray<string> SourcesOf(string project, string assets)
    {
        var own = Path.GetDirectoryName(project)!;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(assets));
            var referenced = document.RootElement.GetProperty("libraries").EnumerateObject()
                .Where(static library => library.Value.TryGetProperty("type", out var type) && type.ValueEquals("project"))
                .Select(library => Path.GetDirectoryName(Path.GetFullPath(library.Value.GetProperty("path").GetString()!, own))!);
            return [own, .. referenced.Distinct().Where(folder => folder != own && Directory.Exists(folder))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return [own];
        }
    }

    /// <summary>Parses MSBuild's answer to -getProperty; null if it does not have the properties asked for.</summary>
    public static (string Target, string Assets)? ParseProperties(string output)
    {
        try
        {
            using var document = JsonDocument.Parse(output);
            var properties = document.RootElement.GetProperty("Properties");
            return (properties.GetProperty("TargetPath").GetString()!, properties.GetProperty("ProjectAssetsFile").GetString()!);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }
}
