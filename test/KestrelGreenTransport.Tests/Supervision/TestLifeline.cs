using System.Text;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervision;
using Microsoft.Extensions.Logging.Abstractions;

namespace KestrelGreenTransport.Tests.Supervision;

/// <summary>A lifeline whose other end the test holds.</summary>
internal sealed class TestLifeline : IDisposable
{
    private readonly int _ours;
    private readonly int _workers;
    private bool _isHungUp;

    public unsafe TestLifeline()
    {
        var pair = stackalloc int[2];
        var made = Result.From(Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_SEQPACKET | Libc.SOCK_NONBLOCK, 0, pair));
        Assert.True(made.Ok, made.Message);
        (_ours, _workers) = (pair[0], pair[1]);
    }

    /// <summary>The descriptor number that the worker's environment would name.</summary>
    public int WorkersDescriptor => _workers;

    public LifelineSocket Adopt()
    {
        Assert.True(LifelineSocket.TryAdopt(_workers, out var socket, out var problem), problem);
        return socket;
    }

    /// <summary>The worker's end, which logs nowhere.</summary>
    public Lifeline Open() => new(Adopt(), NullLogger.Instance);

    public void Send(string json) => Send(Encoding.UTF8.GetBytes(json));

    public unsafe void Send(ReadOnlySpan<byte> packet)
    {
        fixed (byte* bytes = packet)
        {
            var sent = Result.From(Libc.send(_ours, bytes, (nuint)packet.Length, Libc.MSG_NOSIGNAL));
            Assert.True(sent.Ok, sent.Message);
        }
    }

    /// <summary>The worker's next message, or null if there is none now.</summary>
    public unsafe LifelineMessage? TryReceive()
    {
        var packet = new byte[LifelineMessage.MaxSize];
        fixed (byte* bytes = packet)
        {
            var received = Result.From(Libc.recv(_ours, bytes, (nuint)packet.Length, Libc.MSG_DONTWAIT));
            if (received.Error == Errno.EAGAIN)
            {
                return null;
            }

            Assert.True(received.Ok, received.Message);
            Assert.True(LifelineMessage.TryParse(packet.AsSpan(0, (int)received.Value), out var message));
            return message;
        }
    }

    /// <summary>Why the worker has said since the last call that it cannot start, with the exit codes.</summary>
    public IReadOnlyList<string> Failures()
    {
        var failures = new List<string>();
        while (TryReceive() is { } message)
        {
            Assert.Equal(LifelineTypes.Failed, message.Type);
            failures.Add($"{message.ExitCode} {message.Message}");
        }

        return failures;
    }

    /// <summary>The next message except the request statistics, which the worker sends every second.</summary>
    public async Task<LifelineMessage> ReceiveAsync()
    {
        LifelineMessage? message = null;
        await Wait.UntilAsync(() => (message = TryReceive()) is { Type: not LifelineTypes.Stats }, "a message of the worker");
        return message!;
    }

    /// <summary>Closes the test's end, as if the supervisor had died.</summary>
    public void HangUp()
    {
        if (!_isHungUp)
        {
            _isHungUp = true;
            _ = Libc.close(_ours);
        }
    }

    public void Dispose()
    {
        HangUp();
        _ = Libc.close(_workers);
    }
}
