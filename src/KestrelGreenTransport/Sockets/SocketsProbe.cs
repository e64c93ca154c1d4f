using System.Collections.Concurrent;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Sockets;

/// <summary>
/// Passes through .NET's socket engine as received bytes do: it sends one byte into a socket pair that is being received on.
/// If the engine's thread or the thread pool behind it is stuck, no answer comes.
/// </summary>
internal sealed class SocketsProbe : ILoopProbe, IAsyncDisposable
{
    private readonly ConcurrentQueue<Action> _waiting = new();
    private readonly Socket _sender;
    private readonly Socket _receiver;
    private readonly CancellationTokenSource _stopped = new();
    private readonly Task _receiving;

    public SocketsProbe()
    {
        (_sender, _receiver) = CreatePair();
        _receiving = ReceiveAsync();
    }

    public void Pass(Action passed)
    {
        _waiting.Enqueue(passed);
        try
        {
            // Non-blocking. A full buffer does no harm: the bytes in it wake the receiver, which calls all waiting callbacks.
            _sender.Send([1], SocketFlags.None, out _);
        }
        catch (ObjectDisposedException)
        {
            // Stopped: there are no answers any more.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await _receiving;
        _sender.Dispose();
        _receiver.Dispose();
        _stopped.Dispose();
    }

    private static unsafe (Socket, Socket) CreatePair()
    {
        var pair = stackalloc int[2];
        var created = Result.From(Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0, pair));
        if (!created.Ok)
        {
            throw new IOException($"Cannot create the socket pair that heartbeats pass through: {created.Message}.");
        }

        return (Own(pair[0]), Own(pair[1]));

        static Socket Own(int descriptor) => new(new SafeSocketHandle(descriptor, ownsHandle: true)) { Blocking = false };
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[64];
        try
        {
            while (true)
            {
                await _receiver.ReceiveAsync(buffer, SocketFlags.None, _stopped.Token);
                while (_waiting.TryDequeue(out var passed))
                {
                    passed();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }
}
