using System.Collections.Immutable;
using System.Text.Json;

namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>That an app was built from a project, where from and where to.</summary>
/// <param name="Folder">The copy of the build that its workers run from.</param>
/// <param name="Sources">The folders of the project and of those that it references.</param>
/// <param name="Builds">Who made the copy.</param>
internal sealed record ProjectSource(string Folder, ImmutableArray<string> Sources, BuildFolders Builds)
{
    /// <summary>The folders of a project and of all that it references, by what restoring it left behind.</summary>
    /// <param name="project">The project file.</param>
    /// <param name="assets">The path of its <c>project.assets.json</c>; one that cannot be read names nobody.</param>
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

    /// <summary>Reads what MSBuild says of a project's properties; null when it is not what was asked for.</summary>
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
