namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>Which changes in a project's folder are source changes.</summary>
internal static class SourceFiles
{
    // Files that are built, or read at the start. Any other file may be written by the app itself: a database, a log.
    private static readonly string[] Endings =
    [
        ".cs", ".fs", ".fsi", ".vb", ".razor", ".cshtml", ".razor.css", ".cshtml.css", ".resx", ".proto",
        ".csproj", ".fsproj", ".vbproj", ".props", ".targets", ".editorconfig", ".globalconfig",
    ];

    private static readonly string[] Outputs = ["bin", "obj", "artifacts", "node_modules"];

    /// <param name="path">Relative to the project's folder.</param>
    public static bool IsSource(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0 || parts[..^1].Any(static folder => folder[0] == '.' || Outputs.Contains(folder)))
        {
            return false;
        }

        var name = parts[^1];
        return !IsOfAnEditor(name) && (Endings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) || IsSettings(name));
    }

    private static bool IsSettings(string name) =>
        name == "green.json" || (name.StartsWith("appsettings", StringComparison.Ordinal) && name.EndsWith(".json", StringComparison.Ordinal));

    // Emacs' locks (.#Program.cs) and backups (#Program.cs#, Program.cs~), Vim's swap files (.Program.cs.swp), and the temporary files that
    // others write and then rename (.goutputstream, Program.cs.tmp): those have another ending or start with a dot.
    private static bool IsOfAnEditor(string name) =>
        name[0] is '#' or '~' || (name[0] == '.' && name is not (".editorconfig" or ".globalconfig"));
}
