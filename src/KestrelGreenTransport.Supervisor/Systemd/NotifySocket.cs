using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Systemd;

/// <summary>
/// The connection to the service manager (sd_notify): datagrams to the socket named by NOTIFY_SOCKET. Used by the
/// supervisor's thread alone, and never blocks; messages for which there is no room are kept, in order, for the next try.
/// </summary>
internal sealed class NotifySocket : IDisposable
{
    private const int LongestPath = 107;

    // A manager that leaves this many messages unread is gone.
    private const int MostKept = 256;

    private readonly Descriptor _socket;
    private readonly byte[] _address;
    private readonly Queue<(byte[] Text, int? Descriptor)> _kept = new();

    private NotifySocket(Descriptor socket, byte[] address)
    {
        _socket = socket;
        _address = address;
    }

    /// <summary>Opens the connection; null if no service manager asked for it.</summary>
    /// <param name="path">The value of NOTIFY_SOCKET: a path, or the name of an abstract socket after '@'.</param>
    public static NotifySocket? Open(string? path)
    {
        if (path is not ['/' or '@', _, ..] || Encoding.UTF8.GetByteCount(path) > LongestPath)
        {
            return null;
        }

        var opened = Result.From(Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK, 0));
        return opened.Ok ? new NotifySocket(new Descriptor((int)opened.Value), AddressOf(path)) : null;
    }

    /// <summary>Sends lines such as <c>READY=1</c>, with a descriptor for the manager to store if one is given.</summary>
    public void Send(string lines, int? descriptor = null)
    {
        if (_kept.Count < MostKept)
        {
            _kept.Enqueue((Encoding.UTF8.GetBytes(lines), descriptor));
        }

        Flush();
    }

    /// <summary>Tries again to send the messages that were kept.</summary>
    public void Flush()
    {
        while (_kept.TryPeek(out var next))
        {
            var sent = Packet.Send(_socket.Number, next.Text, next.Descriptor, _address);
            if (sent.Error is Errno.EAGAIN or Errno.EINTR or Errno.ENOBUFS or Errno.ENOMEM)
            {
                return;
            }

            // Sent, or another error that a retry would not cure: the manager or the descriptor is gone.
            _kept.Dequeue();
        }
    }

    public void Dispose() => _socket.Dispose();

    // struct sockaddr_un: the family, then the path; an abstract name begins with a NUL.
    private static byte[] AddressOf(string path)
    {
        var name = Encoding.UTF8.GetBytes(path);
        if (name[0] == '@')
        {
            name[0] = 0;
        }

        return [.. BitConverter.GetBytes((ushort)Libc.AF_UNIX), .. name];
    }
}
