using System.Globalization;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Listening;

/// <summary>
/// A listening socket that the supervisor keeps open for as long as a worker may accept on it. Workers come and go; the kernel's queue
/// of this socket stays.
/// </summary>
/// <param name="endpoint">Where it listens.</param>
/// <param name="socket">This object owns it from now on.</param>
/// <param name="key">What was asked for, so that a later supervisor can find it; null in tests.</param>
/// <param name="backlog">How many connections the kernel was told to queue.</param>
/// <param name="ownsPath">Whether to remove a Unix socket's file with it.</param>
/// <param name="file">That file, which this object owns from now on; null if there is none of ours.</param>
internal sealed class BoundListener(ListenEndpoint endpoint, Socket socket, string? key, int backlog, bool ownsPath, SocketFile? file = null) : IDisposable
{
    private readonly uint _inode = InodeOf(socket);
    private readonly Native.Descriptor _descriptor = Native.Descriptor.Of(socket);
    private SocketFile? _file = file;

    public ListenEndpoint Endpoint => endpoint;

    public string? Key => key;

    /// <summary>Whether this or an earlier supervisor bound it; otherwise another program did, and passed it on.</summary>
    public bool IsOurs => key is not null && IsOursBy(key);

    /// <summary>The same, from the key: it is an address, not a descriptor.</summary>
    public static bool IsOursBy(string key) => ListenEndpoint.TryParse(key.Split('#')[0], out _);

    /// <summary>How many connections the kernel was last told to queue.</summary>
    public int Backlog { get; private set; } = backlog;

    public int Descriptor => _descriptor.Number;

    /// <summary>The socket's identity in /proc.</summary>
    public string Inode => _inode.ToString(CultureInfo.InvariantCulture);

    /// <summary>Connections that wait in the kernel's queue; 0 once it is closed.</summary>
    public long Queued() =>
        _descriptor.IsClosed ? 0 : endpoint.IP is not null ? ListenerCalls.Queued(Descriptor) : ListenQueue.OfUnix(_inode);

    /// <summary>As a url for a browser.</summary>
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

    /// <summary>Changes the length of the kernel's queue and the mode of a Unix socket's file.</summary>
    /// <param name="backlog">How many connections may wait.</param>
    /// <param name="mode">The mode; null for what the umask leaves.</param>
    /// <returns>The kernel's error message; null on success.</returns>
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
    /// Stops new clients: a new TCP connection attempt gets no answer, and is refused once the socket is closed; a Unix socket's
    /// path is removed. Clients that are already connecting still get through.
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

    /// <summary>Closes it for good, and removes a Unix socket's file.</summary>
    /// <param name="keepPath">Whether a Unix socket's file belongs to another supervisor by now.</param>
    public void Close(bool keepPath = false)
    {
        _descriptor.Dispose();
        if (IsOurs && !keepPath)
        {
            RemovePath();
        }

        _file?.Dispose();
    }

    // Only once: later another process may listen there, and its file may even reuse our inode.
    private void RemovePath()
    {
        using var removed = _file;
        _file = null;
        removed?.Remove();
    }

    private static uint InodeOf(Socket socket) =>
        ProcFs.InodeOf($"/proc/self/fd/{socket.SafeHandle.DangerousGetHandle()}") is { } inode ? uint.Parse(inode, CultureInfo.InvariantCulture) : 0;
}
