using System.Net.Sockets;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Files;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>The control socket: a Unix socket for this user alone (0600). Its file goes with it.</summary>
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

    /// <summary>Binds the socket; a file that a dead supervisor left is replaced.</summary>
    /// <exception cref="StartupException">It cannot be bound, or another supervisor answers on it.</exception>
    public static ControlSocket Bind(string path)
    {
        if (path.Length > ControlPaths.LongestPath)
        {
            throw new StartupException(
                ExitCodes.Usage,
                $"the control socket's path {path} is {path.Length} characters long; the kernel takes {ControlPaths.LongestPath}. Give a shorter one with --control.");
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
                    ExitCodes.Unexpected, $"{open}. Remove it, or set XDG_RUNTIME_DIR, or give a path elsewhere with --control.");
            }

            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            RemoveStale(path);

            // Of the socket, before its file is made: there is no moment at which it has other rights, and no path to be misled by.
            _ = LibcFiles.fchmod(socket.SafeHandle, 0b110_000_000);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Blocking = false;
            socket.Listen(Backlog);

            return new ControlSocket(path, Descriptor.Of(socket));
        }
        catch (SocketException e)
        {
            // .NET calls a missing folder an address that is not available, and has no name for EROFS and ENOSPC.
            var reason = !made.Ok ? $"its folder cannot be made: {made.Message}"
                : e.SocketErrorCode == SocketError.SocketError ? "the file system is read-only, or full"
                : e.Message;
            throw new StartupException(
                ExitCodes.Unexpected, $"cannot make the control socket {path}: {reason}. Give another path with --control.");
        }
    }

    /// <summary>Takes a client that waits, if there is one.</summary>
    public unsafe Result Accept() =>
        Result.From(Posix.accept4(Number, null, null, Posix.SOCK_CLOEXEC | Posix.SOCK_NONBLOCK));

    /// <summary>The socket that another supervisor answers on for as long as it likes.</summary>
    public static ControlSocket Share(string path, int descriptor) =>
        new(path, new Descriptor(descriptor)) { _isLetGo = true };

    /// <summary>It is ours from now on.</summary>
    public void TakeOver()
    {
        _isLetGo = false;

        // Again: clients ask the kernel who listens, and it names the process that said so last.
        _ = Posix.listen(Number, Backlog);
    }

    /// <summary>It is another supervisor's from now on.</summary>
    public void LetGo() => _isLetGo = true;

    public void Dispose()
    {
        if (!_isLetGo && !_socket.IsClosed)
        {
            // Its folder may be gone by now, with the file.
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
            ExitCodes.Usage, $"another supervisor answers on {path}. Stop it with `green stop`, or give this one another --name.");
    }
}
