using System.Globalization;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Listening;

/// <summary>
/// A listening socket that the supervisor holds for as long as anybody may serve on it. Workers come and go; the kernel's queue of
/// this socket does not.
/// </summary>
/// <param name="endpoint">Where it listens.</param>
/// <param name="socket">Belongs to this object from now on.</param>
/// <param name="key">What was asked for, by which a later supervisor finds it; null for one that a test made.</param>
/// <param name="backlog">How many connections the kernel was told to queue.</param>
/// <param name="ownsPath">Whether a Unix socket's file goes with it.</param>
/// <param name="file">That file, which belongs to this object from now on; null where there is none of ours.</param>
internal sealed class BoundListener(ListenEndpoint endpoint, Socket socket, string? key, int backlog, bool ownsPath, SocketFile? file = null) : IDisposable
{
    private readonly uint _inode = InodeOf(socket);
    private readonly Native.Descriptor _descriptor = Native.Descriptor.Of(socket);
    private SocketFile? _file = file;

    public ListenEndpoint Endpoint => endpoint;

    public string? Key => key;

    /// <summary>Whether we bound it; else it belongs to whoever started us.</summary>
    public bool IsOurs => key is not null && IsOursBy(key);

    /// <summary>The same, by what was asked for: an address, not a descriptor.</summary>
    public static bool IsOursBy(string key) => ListenEndpoint.TryParse(key.Split('#')[0], out _);

    /// <summary>How many connections the kernel was last told to queue.</summary>
    public int Backlog { get; private set; } = backlog;

    public int Descriptor => _descriptor.Number;

    /// <summary>The socket's identity in /proc.</summary>
    public string Inode => _inode.ToString(CultureInfo.InvariantCulture);

    /// <summary>Connections that wait in the kernel; 0 once it is closed.</summary>
    public long Queued() =>
        _descriptor.IsClosed ? 0 : endpoint.IP is not null ? ListenQueue.OfTcp(Descriptor) : ListenQueue.OfUnix(_inode);

    /// <summary>As a browser would be given it.</summary>
    public string ToDisplay() => endpoint.IP is not null ? $"http://{endpoint.IP}" : $"http://{endpoint}";

    public void Dispose() => Dispose(keepPath: false);

    public void Dispose(bool keepPath)
    {
        _descriptor.Dispose();
        if (ownsPath && !keepPath)
        {
            RemovePath();
        }

        _file?.Dispose();
    }

    /// <summary>Has the kernel queue so many from now on, and gives the file of a Unix socket these rights.</summary>
    /// <param name="backlog">How many connections may wait.</param>
    /// <param name="mode">The rights; null for what the umask leaves.</param>
    /// <returns>What the kernel says against it; null for nothing.</returns>
    public string? Adjust(int backlog, UnixFileMode? mode)
    {
        Backlog = backlog;
        var again = Result.From(Posix.listen(Descriptor, backlog));
        if (!again.Ok)
        {
            return again.Message;
        }

        return _file?.SetMode(mode ?? (UnixFileMode)(0x1ff & ~ProcFs.Umask()));
    }

    /// <summary>
    /// Nobody new comes in: who begins to connect by TCP gets no answer, and is refused once the socket is closed; a Unix socket
    /// is not found any more. Those who are connecting still come through.
    /// </summary>
    public void TurnAway()
    {
        if (endpoint.IP is not null)
        {
            _ = ListenerCalls.DropNewClients(Descriptor);
        }
        else
        {
            RemovePath();
        }
    }

    /// <summary>Closes it for good: nobody is to find it later.</summary>
    /// <param name="keepPath">Whether a Unix socket's file is another supervisor's by now.</param>
    public void Close(bool keepPath = false)
    {
        _descriptor.Dispose();
        if (IsOurs && !keepPath)
        {
            RemovePath();
        }

        _file?.Dispose();
    }

    // Once: by then another one may listen there, with an inode that was ours.
    private void RemovePath()
    {
        using var removed = _file;
        _file = null;
        removed?.Remove();
    }

    private static uint InodeOf(Socket socket) =>
        ProcFs.InodeOf($"/proc/self/fd/{socket.SafeHandle.DangerousGetHandle()}") is { } inode ? uint.Parse(inode, CultureInfo.InvariantCulture) : 0;
}
