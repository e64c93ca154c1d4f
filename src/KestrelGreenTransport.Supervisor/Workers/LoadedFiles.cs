using System.Globalization;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// The files whose code a process runs. If one is overwritten in place, rather than replaced by rename, a running .NET
/// process dies at its next call into a page that it has not touched yet.
/// </summary>
internal static class LoadedFiles
{
    // For clocks that differ, and file systems that round timestamps.
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(2);

    /// <summary>The code files written to since the process started that are still the inode it has mapped.</summary>
    public static IReadOnlyList<string> OverwrittenOf(int pid)
    {
        if (ProcFs.StartedAtOf(pid) is not { } startedAt)
        {
            return [];
        }

        var overwritten = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (path, inode) in CodeIn(ProcFs.FileMappingsOf(pid)))
        {
            var file = new FileInfo(path);
            if (file.Exists && file.LastWriteTimeUtc > startedAt + Tolerance && LibcFiles.StatusOf(path)?.stx_ino == inode)
            {
                overwritten.Add(path);
            }
        }

        return [.. overwritten];
    }

    /// <summary>
    /// The mappings that a loader made. Data that the app shares with others (a SQLite database and its <c>-shm</c> file, a named mutex,
    /// a log) is mapped too, and is written to all the time.
    /// </summary>
    internal static IEnumerable<(string Path, ulong Inode)> CodeIn(IEnumerable<FileMapping> mappings) =>
        mappings.Where(IsCode).Select(static mapping => (mapping.Path, mapping.Inode)).Distinct();

    // Native libraries, and assemblies compiled ahead of time, have executable pages. An IL-only assembly has none: the runtime maps
    // it for reading, and shared, as an app maps its data. Only its extension tells it apart.
    private static bool IsCode(FileMapping mapping) => mapping.Access switch
    {
        [_, _, 'x', 'p', ..] => true,
        ['r', '-', ..] => Path.GetExtension(mapping.Path) is ".dll" or ".exe",
        _ => false,
    };

    /// <summary>The warning for the operator; null when no file was overwritten.</summary>
    public static string? Warn(int index, IReadOnlyList<string> overwritten) => overwritten.Count == 0 ? null : string.Create(
        CultureInfo.InvariantCulture,
        $"worker {index} runs {overwritten[0]}{(overwritten.Count > 1 ? $" and {Counted.Of(overwritten.Count - 1, "more file")}, which were" : ", which was")} overwritten in place since it started: it may crash with a bus error at any moment. Deploy into a new folder, or replace files by renaming");
}
