using KestrelGreenTransport.Files;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Files;

/// <summary>Whether other users could replace a control or admin socket, because of the rights on its folder.</summary>
internal static class SocketFolder
{
    /// <summary>A sentence, without its full stop, about the folder of this socket; null if the folder is safe or missing.</summary>
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
                    // Under the sticky bit other users cannot remove our socket.
                    FolderAccess.OursAlone or FolderAccess.Sticky => null,
                    _ when folder.IsOurs => $"{path} can be written by others than its owner, who could put a socket of their own in the place of ours",
                    _ => $"{path} belongs to another user ({folder.Status.stx_uid}), who could put a socket of their own in the place of ours",
                };
        }
    }
}
