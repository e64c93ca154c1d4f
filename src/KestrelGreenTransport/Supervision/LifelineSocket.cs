using System.Diagnostics.CodeAnalysis;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervision;

/// <summary>
/// The worker's end of the lifeline: one packet per message, never blocking.
///
/// The descriptor belongs to the process and stays open until the process is gone, so that its end-of-file at the
/// supervisor means exactly that.
/// </summary>
internal sealed unsafe class LifelineSocket
{
    private readonly byte[] _packet = new byte[LifelineMessage.MaxSize];

    private LifelineSocket(int descriptor) => Descriptor = descriptor;

    public int Descriptor { get; }

    /// <summary>
    /// Takes over an inherited descriptor: from now on it is non-blocking, and child processes do not inherit it.
    /// </summary>
    /// <param name="descriptor">Its number, from the environment.</param>
    /// <param name="socket">The lifeline, or null.</param>
    /// <param name="problem">What is wrong with the descriptor; null if it was taken over.</param>
    public static bool TryAdopt(int descriptor, [NotNullWhen(true)] out LifelineSocket? socket, [NotNullWhen(false)] out string? problem)
    {
        socket = null;

        // Asked first: a wrong number may be one of the runtime's descriptors, which must be left alone.
        var type = Option(descriptor, Libc.SO_TYPE);
        var domain = Option(descriptor, Libc.SO_DOMAIN);
        if (!type.Ok)
        {
            problem = type.Message;
            return false;
        }

        if (type.Value != Libc.SOCK_SEQPACKET || domain.Value != Libc.AF_UNIX)
        {
            problem = "not a SOCK_SEQPACKET Unix socket";
            return false;
        }

        var adopted = Libc.AdoptDescriptor(descriptor);
        problem = adopted.Ok ? null : adopted.Message;
        socket = adopted.Ok ? new LifelineSocket(descriptor) : null;
        return adopted.Ok;
    }

    public Result Send(ReadOnlySpan<byte> packet)
    {
        fixed (byte* buffer = packet)
        {
            return Result.From(Libc.send(Descriptor, buffer, (nuint)packet.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL));
        }
    }

    /// <summary>Receives one packet. A packet larger than the longest message is cut short, and the value is its whole length.</summary>
    /// <param name="packet">Its bytes, valid until the next call. Only for the beat thread.</param>
    /// <param name="descriptor">The descriptor that came with it, if any; the caller owns it.</param>
    public Result Receive(out ReadOnlySpan<byte> packet, out SafeFileHandle? descriptor)
    {
        var received = Packet.Receive(Descriptor, _packet, out descriptor);
        packet = received.Ok ? _packet.AsSpan(0, (int)Math.Min(received.Value, _packet.Length)) : [];
        return received;
    }

    /// <summary>Waits until a packet can be sent; false after the limit.</summary>
    public bool WaitToSend(TimeSpan limit)
    {
        var poll = new Libc.PollFd { fd = Descriptor, events = Libc.POLLOUT };
        return Libc.poll(&poll, 1, (int)limit.TotalMilliseconds) > 0;
    }

    private static Result Option(int descriptor, int name)
    {
        int value;
        var length = sizeof(int);
        var asked = Result.From(Libc.getsockopt(descriptor, Libc.SOL_SOCKET, name, &value, &length));
        return asked.Ok ? new Result(value, 0) : asked;
    }
}
