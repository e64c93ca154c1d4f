namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>
/// Where a path leads at this moment, symbolic links followed. A generation keeps what it found: when
/// <c>current</c> is made to point to another release, only the next reload goes there.
/// </summary>
internal static class RealPath
{
    private const int LongestPath = 4096;

    /// <summary>The current directory as the shell names it: <c>/srv/shop/current</c>, where the kernel only knows <c>/srv/shop/releases/42</c>.</summary>
    public static string LogicalDirectory(string currentDirectory, string? pwd) =>
        pwd is not null && Path.IsPathRooted(pwd) && Of(pwd) == Of(currentDirectory) ? pwd : currentDirectory;

    /// <summary>The path without links; the path itself when it cannot be followed.</summary>
    public static unsafe string Of(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return path;
        }

        var resolved = stackalloc byte[LongestPath];
        return Posix.realpath(path, resolved) is null ? path : new string((sbyte*)resolved);
    }

    /// <summary>A file in the folder that its path leads to. A link in the place of the file itself stays: what lies beside it belongs to it.</summary>
    public static string OfFile(string path) => Path.Combine(Of(Path.GetDirectoryName(path)!), Path.GetFileName(path));
}
