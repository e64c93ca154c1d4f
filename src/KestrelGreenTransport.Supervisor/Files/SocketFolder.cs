using KestrelGreenTransport.Files;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Files;

/// <summary>Whether the folder of a socket by which a supervisor is asked and commanded lets other users put one of theirs in its place.</summary>
internal static class SocketFolder
{
    /// <summary>A sentence without its end, for the folder of this socket; null when nothing is wrong with it, or it is not there.</summary>
    public static string? WhyNot(string socket)
    {
        var path = Path.GetDirectoryName(Path.GetFullPath(socket)) ?? "/";
        var opened = Folder.Open(path, out var folder);
        using (folder)
        {
            return folder is null
                ? opened.Error == Errno.ELOOP ? $"the way to {path} leads over a symbolic link of another user, who could put a socket of their own in the place of ours" : null
                : folder.OwnAccess switch
                {
                    // Under the sticky bit nobody else removes ours.
                    FolderAccess.OursAlone or FolderAccess.Sticky => null,
                    _ when folder.IsOurs => $"{path} can be written by others than its owner, who could put a socket of their own in the place of ours",
                    _ => $"{path} belongs to another user ({folder.Status.stx_uid}), who could put a socket of their own in the place of ours",
                };
        }
    }
}
