namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>
/// Where a path leads now, with symbolic links resolved. A generation keeps the path that it resolved: after <c>current</c>
/// is pointed to another release, only the next reload uses the new one.
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

    /// <summary>The file's path with its folder resolved. A link at the file itself is kept, since the files beside the link belong to it.</summary>
    public static string OfFile(string path) => Path.Combine(Of(Path.GetDirectoryName(path)!), Path.GetFileName(path));
}
