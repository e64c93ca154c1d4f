using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Supervisor.Listening;

// A worker chooses what is bound here. So a child that has become the workers' user binds it: the kernel refuses what that user
// may not do, wherever a path leads by then, and names that user as the socket's owner (SO_PEERCRED).

/// <summary>Binds and listens with another user's rights, as that user's own process would.</summary>
internal static class UserBinder
{
    private const int SocketInChild = 3;

    /// <exception cref="AddressInUseException">Another process listens there.</exception>
    /// <exception cref="SocketException">The kernel refuses it to that user.</exception>
    /// <exception cref="IOException">Another reason; the message says what to do.</exception>
    public static Socket Bind(ProcessCredentials user, ListenEndpoint endpoint, GreenTransportOptions options)
    {
        // The Socket that opens it does not know that the child binds its descriptor; the one created at the end asks the kernel.
        using var socket = Descriptor.Of(SocketBinder.Open(endpoint.ToEndPoint(), options));
        var number = socket.Number;
        var mode = endpoint is { UnixPath: not null, IsAbstract: false } ? options.UnixFileMode : null;
        if (mode is { } rights)
        {
            _ = LibcFiles.fchmod(socket, (uint)rights);
        }

        // Sockets that share a port must belong to one user.
        _ = LibcFiles.fchown(socket, user.Uid, user.Gid);

        var failure = Try(user, endpoint, number, options.Backlog, mode, replaces: false);
        if (failure is { Result.Error: Errno.EADDRINUSE } && endpoint is { UnixPath: { } path, IsAbstract: false } && IsStale(user, endpoint, path))
        {
            failure = Try(user, endpoint, number, options.Backlog, mode, replaces: true);
        }

        if (failure is { } failed)
        {
            throw Explain(user, endpoint, failed);
        }

        socket.SetHandleAsInvalid();
        return new Socket(new SafeSocketHandle(number, ownsHandle: true));
    }

    private static CallFailure? Try(ProcessCredentials user, ListenEndpoint endpoint, int number, int backlog, UnixFileMode? mode, bool replaces) =>
        Spawn.Call(user, number, SocketInChild, program =>
        {
            if (mode is not null)
            {
                // The file gets the socket's mode minus the umask, which affects nothing else in this child.
                program.Then(SystemCall.umask, 0);
            }

            if (replaces)
            {
                program.Then(SystemCall.unlinkat, unchecked((uint)Libc.AT_FDCWD), program.Place(endpoint.UnixPath!), 0);
            }

            var address = AddressOf(endpoint);
            program.Then(SystemCall.bind, SocketInChild, program.Place(address), (uint)address.Length);
            program.Then(SystemCall.listen, SocketInChild, (uint)backlog);
        });

    // Checks here that the path is a socket. If something else replaces it in the meantime, that is removed instead, but only
    // with that user's rights.
    private static bool IsStale(ProcessCredentials user, ListenEndpoint endpoint, string path)
    {
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        using var file = SocketFile.Find(path);
        var address = AddressOf(endpoint);
        return file is not null
            && Spawn.Call(user, (int)client.SafeHandle.DangerousGetHandle(), SocketInChild, program => program.Then(SystemCall.connect, SocketInChild, program.Place(address), (uint)address.Length))
                is { Result.Error: Errno.ECONNREFUSED };
    }

    private static byte[] AddressOf(ListenEndpoint endpoint)
    {
        var address = endpoint.ToEndPoint().Serialize();
        return address.Buffer.Span[..address.Size].ToArray();
    }

    private static Exception Explain(ProcessCredentials user, ListenEndpoint endpoint, CallFailure failure)
    {
        var text = $"Cannot listen on {endpoint} as user {user.Uid}: {failure}";
        return failure switch
        {
            { Result.Error: Errno.EADDRINUSE } => new AddressInUseException(text),
            { Call: nameof(SystemCall.bind), Result.Error: Errno.EACCES or Errno.EPERM } => new SocketException((int)SocketError.AccessDenied),
            { Result.Error: Errno.EADDRNOTAVAIL } => new SocketException((int)SocketError.AddressNotAvailable),
            { Result.Error: Errno.EAFNOSUPPORT } => new SocketException((int)SocketError.AddressFamilyNotSupported),
            _ => new IOException($"{text}. The folder of a Unix socket must exist, and the workers' user must be able to create files in it."),
        };
    }
}
