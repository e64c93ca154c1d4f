using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// A listening socket that this process was born with. It stays open while the app may still ask for it (an endpoint of
/// Kestrel's configuration can go and come back), and each use of it has a descriptor of its own.
///
/// Nothing here shuts it down, changes it or removes a Unix path: it belongs to the one who bound it.
/// </summary>
internal sealed class InheritedSocket : IDisposable
{
    private readonly SafeFileHandle _descriptor;

    private InheritedSocket(SafeFileHandle descriptor, int number, ListenEndpoint endpoint, bool isShared)
    {
        _descriptor = descriptor;
        Number = number;
        Endpoint = endpoint;
        IsShared = isShared;
    }

    /// <summary>The descriptor's number at birth.</summary>
    public int Number { get; }

    public ListenEndpoint Endpoint { get; }

    /// <summary>Whether other processes may accept on it too.</summary>
    public bool IsShared { get; }

    /// <summary>Whether an endpoint of the app was ever answered by it.</summary>
    public bool IsUsed { get; private set; }

    /// <summary>Takes a descriptor that a supervisor announced.</summary>
    /// <exception cref="IOException">It is no listening stream socket; the message says what to look at.</exception>
    public static InheritedSocket Adopt(InheritedListener listener)
    {
        var number = listener.Descriptor;
        if (!TryAdopt(number, out var endpoint, out var problem))
        {
            throw new IOException(
                $"{ContractVariables.Listen} says {listener}, but descriptor {number} {problem}. Whoever starts this worker must pass it on a socket that listens.");
        }

        return new InheritedSocket(new SafeFileHandle(number, ownsHandle: true), number, listener.Endpoint, isShared: true);
    }

    /// <summary>Takes a descriptor of systemd's; null when it is something else than a listening stream socket, which is not for us.</summary>
    public static InheritedSocket? AdoptFromSystemd(int number) =>
        TryAdopt(number, out var endpoint, out _)
            ? new InheritedSocket(new SafeFileHandle(number, ownsHandle: true), number, endpoint!, isShared: false)
            : null;

    /// <summary>Takes the socket that the supervisor bound for this process; closes whatever else it sent.</summary>
    /// <exception cref="IOException">It is no listening stream socket.</exception>
    public static ListenSocket Receive(SafeFileHandle descriptor, ListenEndpoint asked)
    {
        var number = (int)descriptor.DangerousGetHandle();
        if (!TryAdopt(number, out var endpoint, out var problem))
        {
            descriptor.Dispose();
            throw new IOException($"The supervisor answered the question for {asked} with a descriptor that {problem}.");
        }

        descriptor.SetHandleAsInvalid();
        return new ListenSocket(new Socket(new SafeSocketHandle(number, ownsHandle: true)), endpoint!, isShared: true);
    }

    /// <summary>A socket for one use, with a descriptor of its own.</summary>
    /// <exception cref="IOException">The descriptor cannot be duplicated, or was given up already.</exception>
    public ListenSocket Open()
    {
        if (_descriptor.IsClosed)
        {
            throw new IOException($"Cannot listen on {Endpoint} again: this process gave the inherited socket up when its host stopped. Start a new process.");
        }

        IsUsed = true;
        return new ListenSocket(Duplicate((int)_descriptor.DangerousGetHandle()), Endpoint, IsShared);
    }

    /// <summary>Gives it up: once every process has, the kernel refuses clients instead of queueing them for nobody.</summary>
    public void Dispose() => _descriptor.Dispose();

    public override string ToString() => Endpoint.ToString();

    private static bool TryAdopt(int number, out ListenEndpoint? endpoint, out string problem)
    {
        endpoint = null;
        var adopted = Libc.AdoptDescriptor(number);
        if (!adopted.Ok)
        {
            problem = $"cannot be used ({adopted.Message})";
            return false;
        }

        try
        {
            using var socket = Duplicate(number);
            if (socket.SocketType == SocketType.Stream && IsListening(socket) && socket.LocalEndPoint is { } local and (IPEndPoint or UnixDomainSocketEndPoint))
            {
                endpoint = ListenEndpoint.Of(local);
                problem = "";
                return true;
            }
        }
        catch (SocketException exception)
        {
            problem = $"cannot be used ({exception.Message})";
            return false;
        }

        problem = "is no listening stream socket";
        return false;
    }

    private static bool IsListening(Socket socket)
    {
        Span<byte> answer = stackalloc byte[sizeof(int)];
        socket.GetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN, answer);
        return BitConverter.ToInt32(answer) != 0;
    }

    private static Socket Duplicate(int number)
    {
        var copy = Result.From(Libc.fcntl(number, Libc.F_DUPFD_CLOEXEC, 3));
        return copy.Ok
            ? new Socket(new SafeSocketHandle((nint)copy.Value, ownsHandle: true))
            : throw new IOException($"Cannot duplicate inherited descriptor {number}: {copy.Message}.");
    }
}
