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
                ? opened.Error == Errno.ELOOP ? $"the path to {path} contains a symbolic link of another user, who could replace our socket" : null
                : folder.OwnAccess switch
                {
                    // Under the sticky bit other users cannot remove our socket.
                    FolderAccess.OursAlone or FolderAccess.Sticky => null,
                    _ when folder.IsOurs => $"other users can write to {path} and could replace our socket",
                    _ => $"{path} belongs to another user ({folder.Status.stx_uid}), who could replace our socket",
                };
        }
    }
}
