using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Upgrading;

/// <summary>What an old supervisor and its successor say to each other: a few words. Neither waits for the other.</summary>
internal sealed class UpgradeChannel(Descriptor socket) : IDisposable
{
    /// <summary>The new one: all my workers serve.</summary>
    public const string Ready = "ready";

    /// <summary>The old one: from now on you are the supervisor.</summary>
    public const string Yours = "yours";

    /// <summary>
    /// The old one: this process, whose pidfd comes with the word, leads from now on; without one: nobody does now. Should I
    /// be gone, wait for its end before you let a worker of yours lead.
    /// </summary>
    public const string Leads = "leads";

    /// <summary>The old one: no worker of mine leads, and none will.</summary>
    public const string Lead = "lead";

    private const int LongestWord = 64;

    /// <summary>What <see cref="Receive"/> answers once the other side is gone.</summary>
    public const string Ended = "";

    public int Number => socket.Number;

    /// <summary>Says a word, with a copy of a descriptor of ours if there is one.</summary>
    public Result Send(string word, int? descriptor = null) => Packet.Send(socket.Number, Encoding.ASCII.GetBytes(word), descriptor);

    /// <summary>The next word; null when there is none now, <see cref="Ended"/> when there will be none any more.</summary>
    /// <param name="descriptor">What came with it; the caller owns it.</param>
    public string? Receive(out SafeFileHandle? descriptor)
    {
        Span<byte> word = stackalloc byte[LongestWord];
        Result received;
        do
        {
            received = Packet.Receive(socket.Number, word, out descriptor);
        }
        while (received.Error is Errno.EINTR or Errno.ECONNRESET); // RESET, once: it left without reading all that we said. What it said is still there.

        return received.Error == Errno.EAGAIN ? null
            : received.Ok ? Encoding.ASCII.GetString(word[..(int)Math.Min(received.Value, LongestWord)])
            : Ended;
    }

    public void Dispose() => socket.Dispose();
}
