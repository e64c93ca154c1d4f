using System.Globalization;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>
/// A listening socket that the supervisor holds for as long as it lives. Workers come and go; the kernel's queue of
/// this socket does not.
/// </summary>
internal sealed class BoundListener(ListenEndpoint endpoint, Socket socket, bool inherited) : IDisposable
{
    private readonly uint _inode = InodeOf(socket);

    public ListenEndpoint Endpoint => endpoint;

    public int Descriptor => (int)socket.SafeHandle.DangerousGetHandle();

    /// <summary>The socket's identity in /proc.</summary>
    public string Inode => _inode.ToString(CultureInfo.InvariantCulture);

    /// <summary>Connections that wait in the kernel; 0 once it is closed.</summary>
    public long Queued()
    {
        try
        {
            return endpoint.IP is not null ? ListenQueue.OfTcp(Descriptor) : ListenQueue.OfUnix(_inode);
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
    }

    /// <summary>As a browser would be given it.</summary>
    public string ToDisplay() => endpoint.IP is not null ? $"http://{endpoint.IP}" : $"http://{endpoint}";

    public void Dispose()
    {
        socket.Dispose();

        // The file of a socket that we made is ours to remove; an inherited one belongs to who made it.
        if (!inherited && endpoint is { UnixPath: { } path, IsAbstract: false })
        {
            File.Delete(path);
        }
    }

    private static uint InodeOf(Socket socket) =>
        ProcFs.InodeOf($"/proc/self/fd/{socket.SafeHandle.DangerousGetHandle()}") is { } inode ? uint.Parse(inode, CultureInfo.InvariantCulture) : 0;
}
