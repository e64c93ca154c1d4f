using KestrelGreenTransport.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Files;

/// <summary>
/// Opens files for writing by paths from settings. If other users may write to the folder, its names cannot be trusted: the
/// file must be a regular one, without other hard links, owned by this user or root.
/// </summary>
internal static class GuardedFile
{
    private const string Usual = "Its folder must exist, and this user must be allowed to write there.";
    private const string Safe = "Remove it, or choose a folder that no other user may write to.";

    /// <summary>Opens a file, or creates it if the flags say so.</summary>
    /// <param name="path">An absolute path.</param>
    /// <param name="flags">How to open it, as in open(2).</param>
    /// <param name="mode">The mode of a created file, before the umask.</param>
    public static Opened Open(string path, int flags, uint mode)
    {
        var found = Folder.OpenOf(path, out var folder, out var name);
        if (folder is null)
        {
            return new Opened(null, Explain(found, "a folder on the way is a symbolic link that another user may have put there"), Usual, found.Error);
        }

        using (folder)
        {
            var isExposed = folder.Access != FolderAccess.OursAlone;
            SafeFileHandle? file;
            var opened = folder.IsKernels && !isExposed
                ? folder.OpenKernels(name, flags, out file)
                : folder.Open(name, isExposed ? flags | LibcFiles.O_NONBLOCK | LibcFiles.O_NOCTTY : flags, mode, out file);
            if (file is null)
            {
                var why = Explain(opened, $"it is a symbolic link, and other users may write to {folder.Name}");
                return new Opened(null, why, opened.Error == Errno.ELOOP ? Safe : Usual, opened.Error);
            }

            if (isExposed && WhyNotOurs(file) is { } doubt)
            {
                file.Dispose();
                return new Opened(null, $"{doubt}, and other users may write to {folder.Name}", Safe, Errno.EPERM);
            }

            return new Opened(file, null, "", 0);
        }
    }

    private static string Explain(Result result, string ofLoop) => result.Error == Errno.ELOOP ? ofLoop : result.Message;

    private static string? WhyNotOurs(SafeFileHandle file) =>
        LibcFiles.StatusOf(file) is not { } status ? "its properties cannot be read"
        : status.Type != LibcFiles.S_IFREG ? "it is not a regular file"
        : status.stx_nlink != 1 ? "it has a second name (a hard link)"
        : status.stx_uid != 0 && status.stx_uid != Libc.geteuid() ? $"it belongs to another user ({status.stx_uid})"
        : null;
}

/// <summary>The result of opening a file.</summary>
/// <param name="File">The open file, which the caller disposes; null if it was not opened.</param>
/// <param name="Why">Why it was not opened; null if it was.</param>
/// <param name="Remedy">A sentence that says what to do.</param>
/// <param name="Error">The kernel's error number.</param>
internal readonly record struct Opened(SafeFileHandle? File, string? Why, string Remedy, int Error);
