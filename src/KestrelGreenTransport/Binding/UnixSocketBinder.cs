using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Binds a Unix socket to its path.
///
/// A path is never taken from a process that listens on it: a file is replaced only if it is a socket that refuses
/// connections. No client can connect before the mode is as configured: the socket gets it before it has a file, and what
/// the umask removes is restored between bind and listen.
/// </summary>
internal static class UnixSocketBinder
{
    /// <exception cref="AddressInUseException">Another process listens there.</exception>
    /// <exception cref="IOException">Any other reason; the message says what to do.</exception>
    public static void Bind(Socket socket, UnixDomainSocketEndPoint endPoint, UnixFileMode? mode)
    {
        var name = ListenEndpoint.Of(endPoint);
        try
        {
            if (mode is { } wished && !name.IsAbstract && OperatingSystem.IsLinux())
            {
                _ = LibcFiles.fchmod(socket.SafeHandle, (uint)wished);
            }

            try
            {
                socket.Bind(endPoint);
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse && !name.IsAbstract)
            {
                RemoveStale(name.UnixPath!, endPoint);
                socket.Bind(endPoint);
            }

            if (mode is { } rights && !name.IsAbstract)
            {
                SetMode(name.UnixPath!, rights);
            }
        }
        catch (Exception exception) when (exception is SocketException { SocketErrorCode: not SocketError.AddressAlreadyInUse } or UnauthorizedAccessException)
        {
            var reason = exception switch
            {
                // .NET's name for ENOENT.
                SocketException { SocketErrorCode: SocketError.AddressNotAvailable } => "the folder does not exist",

                // .NET has no name for EROFS and ENOSPC.
                SocketException { SocketErrorCode: SocketError.SocketError } => "the file system is read-only, or full",
                _ => exception.Message,
            };
            throw new IOException(
                $"Cannot listen on {name}: {reason}. The folder must exist, and this process's user must be allowed to create files in it.", exception);
        }
    }

    private static void SetMode(string path, UnixFileMode mode)
    {
        if (OperatingSystem.IsLinux())
        {
            using var file = SocketFile.Find(path);
            if ((file is null ? "it no longer exists" : file.SetMode(mode)) is { } problem)
            {
                throw new IOException($"Cannot listen on unix:{path}: cannot set its access rights: {problem}.");
            }
        }
        else if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, mode);
        }
    }

    private static void RemoveStale(string path, UnixDomainSocketEndPoint endPoint)
    {
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            client.Connect(endPoint);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
        {
            if (!OperatingSystem.IsLinux())
            {
                File.Delete(path);
                return;
            }

            // A file that is not a socket refuses, too.
            using var stale = SocketFile.Find(path)
                ?? throw new IOException($"Cannot listen on unix:{path}: a file that is not a socket exists there. Remove it, or choose another path.", exception);
            stale.Remove();
            return;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new IOException(
                $"Cannot listen on unix:{path}: a socket exists there, and this process's user may not check whether another process listens on it. Remove it, or choose another path.", exception);
        }
        catch (SocketException)
        {
            // Any other answer (a full queue, say) means that a process listens there.
        }

        throw new AddressInUseException($"Cannot listen on unix:{path}: another process already listens there. Stop it, or choose another path.");
    }
}
