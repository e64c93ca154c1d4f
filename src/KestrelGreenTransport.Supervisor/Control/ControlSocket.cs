using System.Net.Sockets;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Files;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>The control socket: a Unix socket for this user alone (0600). Its file is removed with it.</summary>
internal sealed class ControlSocket : IDisposable
{
    private const int Backlog = 64;

    private readonly Descriptor _socket;
    private volatile bool _isLetGo;

    private ControlSocket(string path, Descriptor socket)
    {
        Path = path;
        _socket = socket;
    }

    public string Path { get; }

    public int Number => _socket.Number;

    /// <summary>Binds the socket, replacing a file left by a dead supervisor.</summary>
    /// <exception cref="StartupException">It cannot be bound, or another supervisor answers on it.</exception>
    public static ControlSocket Bind(string path)
    {
        if (path.Length > ControlPaths.LongestPath)
        {
            throw new StartupException(
                ExitCodes.Usage,
                $"the control socket's path {path} is {path.Length} characters long; the kernel's limit is {ControlPaths.LongestPath}. Give a shorter one with --control.");
        }

        var made = new Result(0, 0);
        try
        {
            var directory = System.IO.Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : null;
            if (directory is not null && !Directory.Exists(directory))
            {
                made = Result.From(Posix.mkdir(directory, 0b111_000_000));
            }

            if (SocketFolder.WhyNot(path) is { } open)
            {
                throw new StartupException(
                    ExitCodes.Unexpected, $"{open}. Remove it, set XDG_RUNTIME_DIR, or give another path with --control.");
            }

            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            RemoveStale(path);

            // On the socket, before its file exists: the file never has other permissions, and no path is involved that could be swapped.
            _ = LibcFiles.fchmod(socket.SafeHandle, 0b110_000_000);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Blocking = false;
            socket.Listen(Backlog);

            return new ControlSocket(path, Descriptor.Of(socket));
        }
        catch (SocketException e)
        {
            // .NET reports a missing folder as an address that is not available, and has no error code for EROFS and ENOSPC.
            var reason = !made.Ok ? $"its folder cannot be created: {made.Message}"
                : e.SocketErrorCode == SocketError.SocketError ? "the file system is read-only, or full"
                : e.Message;
            throw new StartupException(
                ExitCodes.Unexpected, $"cannot create the control socket {path}: {reason}. Give another path with --control.");
        }
    }

    /// <summary>Accepts a waiting client, if there is one.</summary>
    public unsafe Result Accept() =>
        Result.From(Posix.accept4(Number, null, null, Posix.SOCK_CLOEXEC | Posix.SOCK_NONBLOCK));

    /// <summary>A socket on which another supervisor keeps answering until <see cref="TakeOver"/>.</summary>
    public static ControlSocket Share(string path, int descriptor) =>
        new(path, new Descriptor(descriptor)) { _isLetGo = true };

    /// <summary>From now on this supervisor owns the socket.</summary>
    public void TakeOver()
    {
        _isLetGo = false;

        // Listen again: clients ask the kernel which process listens, and it names the last one that called listen.
        _ = Posix.listen(Number, Backlog);
    }

    /// <summary>From now on another supervisor owns the socket.</summary>
    public void LetGo() => _isLetGo = true;

    public void Dispose()
    {
        if (!_isLetGo && !_socket.IsClosed)
        {
            // Its folder may already be gone, and the file with it.
            _ = Posix.unlink(Path);
        }

        _socket.Dispose();
    }

    private static void RemoveStale(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }

        throw new StartupException(
            ExitCodes.Usage, $"another supervisor is running on {path}. Stop it with `green stop`, or give this one another --name.");
    }
}
