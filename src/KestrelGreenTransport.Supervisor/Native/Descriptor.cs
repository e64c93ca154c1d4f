using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>An owned descriptor of any kind: a pipe's end, a lifeline, an eventfd.</summary>
internal sealed class Descriptor : SafeHandle
{
    public Descriptor(int number)
        : base(-1, ownsHandle: true) => SetHandle(number);

    public override bool IsInvalid => handle < 0;

    /// <summary>The number. Valid until the owner disposes the descriptor.</summary>
    public int Number => (int)handle;

    protected override bool ReleaseHandle() => Libc.close((int)handle) == 0;

    /// <summary>
    /// Takes a socket's descriptor out of the object that created it. That object's Dispose would delete the file of a Unix
    /// socket, even if another process listens there by then.
    /// </summary>
    [SuppressMessage("Usage", "CA1816", Justification = "The finalizer would remove the file as well.")]
    public static Descriptor Of(Socket socket)
    {
        var number = (int)socket.SafeHandle.DangerousGetHandle();
        socket.SafeHandle.SetHandleAsInvalid();
        GC.SuppressFinalize(socket);
        return new Descriptor(number);
    }

    /// <summary>Takes a descriptor out of another handle.</summary>
    public static Descriptor Of(SafeHandle handle)
    {
        var number = (int)handle.DangerousGetHandle();
        handle.SetHandleAsInvalid();
        return new Descriptor(number);
    }

    /// <summary>A pipe whose read end does not block. The write end does, because the program that gets it expects that.</summary>
    public static unsafe (Descriptor Read, Descriptor Write) Pipe()
    {
        var pair = stackalloc int[2];
        Check(Posix.pipe2(pair, LibcFiles.O_CLOEXEC), "pipe2");
        var read = new Descriptor(pair[0]);
        var write = new Descriptor(pair[1]);
        Check(Libc.fcntl(read.Number, Libc.F_SETFL, Libc.O_NONBLOCK), "fcntl");
        return (read, write);
    }

    /// <summary>A connected pair of sockets that preserve message boundaries; neither end blocks.</summary>
    public static unsafe (Descriptor Ours, Descriptor Theirs) SeqPacketPair()
    {
        var pair = stackalloc int[2];
        Check(Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_SEQPACKET | Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK, 0, pair), "socketpair");
        return (new Descriptor(pair[0]), new Descriptor(pair[1]));
    }

    /// <summary>
    /// Sets FD_CLOEXEC on every descriptor above the standard three. Our parent may have left some open for us; a worker gets
    /// only those that it is meant to have.
    /// </summary>
    public static void KeepAllToOurselves()
    {
        foreach (var link in Directory.EnumerateFileSystemEntries("/proc/self/fd").ToArray())
        {
            if (int.TryParse(Path.GetFileName(link), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 2)
            {
                _ = Libc.fcntl(number, Libc.F_SETFD, Libc.FD_CLOEXEC);
            }
        }
    }

    private static void Check(int returned, string call)
    {
        if (returned == -1)
        {
            throw new NativeException(call, Result.From(returned));
        }
    }
}
