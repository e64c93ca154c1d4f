using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Upgrading;

/// <summary>The messages between an old supervisor and its successor: single words. Neither waits for the other.</summary>
internal sealed class UpgradeChannel(Descriptor socket) : IDisposable
{
    /// <summary>From the new one: all my workers serve.</summary>
    public const string Ready = "ready";

    /// <summary>From the old one: from now on you are the supervisor.</summary>
    public const string Yours = "yours";

    /// <summary>
    /// From the old one: the process whose pidfd comes with this message is now the leader; without a pidfd, there is no leader now. If
    /// I am gone, wait until that process has ended before you let a worker of yours lead.
    /// </summary>
    public const string Leads = "leads";

    /// <summary>From the old one: no worker of mine leads, and none will.</summary>
    public const string Lead = "lead";

    private const int LongestWord = 64;

    /// <summary>What <see cref="Receive"/> returns once the other side is gone.</summary>
    public const string Ended = "";

    public int Number => socket.Number;

    /// <summary>Sends a message, with a copy of a descriptor of ours if one is given.</summary>
    public Result Send(string word, int? descriptor = null) => Packet.Send(socket.Number, Encoding.ASCII.GetBytes(word), descriptor);

    /// <summary>The next message; null if there is none yet, <see cref="Ended"/> if there will be no more.</summary>
    /// <param name="descriptor">The descriptor that came with it; the caller owns it.</param>
    public string? Receive(out SafeFileHandle? descriptor)
    {
        Span<byte> word = stackalloc byte[LongestWord];
        Result received;
        do
        {
            received = Packet.Receive(socket.Number, word, out descriptor);
        }
        while (received.Error is Errno.EINTR or Errno.ECONNRESET); // ECONNRESET, once: the other side left messages of ours unread; its own can still be read.

        return received.Error == Errno.EAGAIN ? null
            : received.Ok ? Encoding.ASCII.GetString(word[..(int)Math.Min(received.Value, LongestWord)])
            : Ended;
    }

    public void Dispose() => socket.Dispose();
}
