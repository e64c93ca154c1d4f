using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>What an old supervisor and its successor say to each other: two words. Neither waits for the other.</summary>
internal sealed class UpgradeChannel(Descriptor socket) : IDisposable
{
    /// <summary>The new one: all my workers serve.</summary>
    public const string Ready = "ready";

    /// <summary>The old one: from now on you are the supervisor.</summary>
    public const string Yours = "yours";

    private const int LongestWord = 64;

    /// <summary>What <see cref="Receive"/> answers once the other side is gone.</summary>
    public const string Ended = "";

    public int Number => socket.Number;

    public void Send(string word) => _ = Packet.Send(socket.Number, Encoding.ASCII.GetBytes(word), descriptor: null);

    /// <summary>The next word; null when there is none now, <see cref="Ended"/> when there will be none any more.</summary>
    public string? Receive()
    {
        Span<byte> word = stackalloc byte[LongestWord];
        var received = Packet.Receive(socket.Number, word, out var descriptor);
        descriptor?.Dispose();
        return received.Error is Errno.EAGAIN or Errno.EINTR ? null
            : received.Ok ? Encoding.ASCII.GetString(word[..(int)Math.Min(received.Value, LongestWord)])
            : Ended;
    }

    public void Dispose() => socket.Dispose();
}
