using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Accepting;

/// <summary>
/// The only owner of a listening socket's descriptor, which is non-blocking and close-on-exec.
///
/// Closing it neither shuts the socket down nor changes it: other processes may accept on it. That holds only while no
/// system call on it is under way, so a backend releases it before its owner closes it.
/// </summary>
internal sealed class ListenSocket : IDisposable
{
    /// <param name="socket">Must listen already. Belongs to this object from now on.</param>
    /// <param name="endpoint">Where it listens.</param>
    /// <param name="isShared">Whether other processes may accept on it, too.</param>
    public ListenSocket(Socket socket, ListenEndpoint endpoint, bool isShared)
    {
        Socket = socket;
        IsShared = isShared;
        EndPoint = endpoint.ToEndPoint();
        Name = endpoint.ToString();
    }

    public Socket Socket { get; }

    /// <summary>The descriptor's number, for system calls of a backend before its unbind.</summary>
    public int Descriptor => (int)Socket.SafeHandle.DangerousGetHandle();

    /// <summary>Where it listens, with the port that the kernel chose.</summary>
    public EndPoint EndPoint { get; }

    /// <summary>The same address as the worker contract writes it, for logs and metrics.</summary>
    public string Name { get; }

    public bool IsShared { get; }

    /// <summary>How many clients wait in its accept queue; 0 if the kernel does not say, as for Unix sockets.</summary>
    public long Queued() => OperatingSystem.IsLinux() && EndPoint is IPEndPoint ? ListenerCalls.Queued(Descriptor) : 0;

    // Socket's own Dispose closes with the linger option as it is. Disposing its SafeHandle would first set linger to zero on
    // the socket that siblings share, and every connection they accept later would inherit that and end in a reset.
    public void Dispose() => Socket.Dispose();
}
