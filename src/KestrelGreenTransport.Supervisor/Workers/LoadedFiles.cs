using System.Globalization;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// The files that a process has mapped. One that is overwritten in place, rather than replaced by rename, kills a running .NET
/// process at its next call into a page that it has not touched yet.
/// </summary>
internal static class LoadedFiles
{
    // Clocks that tick differently, and file systems that round.
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(2);

    /// <summary>The mapped files that were written to since the process started, each on the inode that it has mapped.</summary>
    public static IReadOnlyList<string> OverwrittenOf(int pid)
    {
        if (ProcFs.StartedAtOf(pid) is not { } startedAt)
        {
            return [];
        }

        var overwritten = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (path, inode) in ProcFs.MappedFilesOf(pid))
        {
            var file = new FileInfo(path);
            if (file.Exists && file.LastWriteTimeUtc > startedAt + Tolerance && InodeOf(path) == inode)
            {
                overwritten.Add(path);
            }
        }

        return [.. overwritten];
    }

    /// <summary>What a person should know of them; null when there are none.</summary>
    public static string? Warn(int index, IReadOnlyList<string> overwritten) => overwritten.Count == 0 ? null : string.Create(
        CultureInfo.InvariantCulture,
        $"worker {index} runs {overwritten[0]}{(overwritten.Count > 1 ? $" and {overwritten.Count - 1} more files" : "")}, which was overwritten in place since it started: it may die of a bus error at any moment. Deploy into a new folder, or replace files by rename");

    private static unsafe ulong? InodeOf(string path)
    {
        Posix.Statx status;
        return Posix.statx(Posix.AT_FDCWD, path, 0, Posix.STATX_BASIC_STATS, &status) == 0 ? status.stx_ino : null;
    }
}
