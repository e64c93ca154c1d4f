namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>The executable that runs managed files.</summary>
internal static class DotnetHost
{
    private const string Name = "dotnet";

    public static bool Is(string executable) => Path.GetFileNameWithoutExtension(executable) == Name;

    /// <summary>Finds it: DOTNET_HOST_PATH, else the host of this process, else DOTNET_ROOT, PATH or the usual folders; null if there is none.</summary>
    public static string? Find(string? thisExecutable, Func<string, string?> variable)
    {
        if (variable("DOTNET_HOST_PATH") is { } given && File.Exists(given))
        {
            return given;
        }

        if (thisExecutable is not null && Is(thisExecutable))
        {
            return thisExecutable;
        }

        var folders = new[] { variable("DOTNET_ROOT") }
            .Concat((variable("PATH") ?? "").Split(':'))
            .Concat(["/usr/share/dotnet", "/usr/lib/dotnet", "/usr/local/share/dotnet"]);
        return folders
            .Where(static folder => !string.IsNullOrEmpty(folder))
            .Select(static folder => Path.Combine(folder!, Name))
            .FirstOrDefault(File.Exists);
    }
}
