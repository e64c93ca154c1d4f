using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// A listening socket that this process inherited. It stays open while the app may still ask for it (an endpoint of
/// Kestrel's configuration can go and come back), and each use of it has its own descriptor.
///
/// Nothing here shuts it down, changes it or removes a Unix path: it belongs to the process that bound it.
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

    /// <summary>The descriptor's number at process start.</summary>
    public int Number { get; }

    public ListenEndpoint Endpoint { get; }

    /// <summary>Whether other processes may accept on it, too.</summary>
    public bool IsShared { get; }

    /// <summary>Whether it ever answered an endpoint of the app.</summary>
    public bool IsUsed { get; private set; }

    /// <summary>Takes over a descriptor that a supervisor announced.</summary>
    /// <exception cref="IOException">It is not a listening stream socket; the message says what to check.</exception>
    public static InheritedSocket Adopt(InheritedListener listener)
    {
        var number = listener.Descriptor;
        if (!TryAdopt(number, out var endpoint, out var problem))
        {
            throw new IOException(
                $"{ContractVariables.Listen} says {listener}, but descriptor {number} {problem}. The program that starts this worker must pass it a listening socket there.");
        }

        return new InheritedSocket(new SafeFileHandle(number, ownsHandle: true), number, listener.Endpoint, isShared: true);
    }

    /// <summary>Takes over one of systemd's descriptors; null if it is not a listening stream socket, and so not for us.</summary>
    public static InheritedSocket? AdoptFromSystemd(int number) =>
        TryAdopt(number, out var endpoint, out _)
            ? new InheritedSocket(new SafeFileHandle(number, ownsHandle: true), number, endpoint!, isShared: false)
            : null;

    /// <summary>Takes over the socket that the supervisor bound for this process; closes anything else that it sent.</summary>
    /// <exception cref="IOException">It is not a listening stream socket.</exception>
    public static ListenSocket Receive(SafeFileHandle descriptor, ListenEndpoint asked)
    {
        var number = (int)descriptor.DangerousGetHandle();
        if (!TryAdopt(number, out var endpoint, out var problem))
        {
            descriptor.Dispose();
            throw new IOException($"Asked for {asked}, the supervisor sent a descriptor that {problem}.");
        }

        descriptor.SetHandleAsInvalid();
        return new ListenSocket(new Socket(new SafeSocketHandle(number, ownsHandle: true)), endpoint!, isShared: true);
    }

    /// <summary>A socket for one use, with its own descriptor.</summary>
    /// <exception cref="IOException">The descriptor cannot be duplicated, or was already given up.</exception>
    public ListenSocket Open()
    {
        if (_descriptor.IsClosed)
        {
            throw new IOException($"Cannot listen on {Endpoint} again: this process gave up the inherited socket when its host stopped. Start a new process.");
        }

        IsUsed = true;
        return new ListenSocket(Duplicate((int)_descriptor.DangerousGetHandle()), Endpoint, IsShared);
    }

    /// <summary>Gives it up: once every process has, the kernel refuses clients instead of queueing them in vain.</summary>
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

        problem = "is not a listening stream socket";
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
