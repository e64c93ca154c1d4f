namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>Which changes in a project's folder are changes of its source.</summary>
internal static class SourceFiles
{
    // What is built or read at the start. Anything else may be what the app itself writes: a database, a log.
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

    // Emacs' locks (.#Program.cs) and backups (#Program.cs#, Program.cs~), Vim's swap files (.Program.cs.swp), and what others
    // write first and rename then (.goutputstream, Program.cs.tmp): those have another ending or a dot first.
    private static bool IsOfAnEditor(string name) =>
        name[0] is '#' or '~' || (name[0] == '.' && name is not (".editorconfig" or ".globalconfig"));
}
