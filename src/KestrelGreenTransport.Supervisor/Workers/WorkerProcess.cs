using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>What the supervisor holds for one living process. Used by the supervisor's thread alone.</summary>
internal sealed class WorkerProcess(int index, long generation, PidFd process, Descriptor lifeline, SafeFileHandle heartbeatFile) : IDisposable
{
    private readonly byte[] _packet = new byte[LifelineMessage.MaxSize];

    public int Index => index;

    public long Generation => generation;

    public PidFd Process => process;

    /// <summary>The sequence number of the last beat seen.</summary>
    public ulong LastSequence { get; set; }

    public bool SaidHello { get; set; }

    /// <summary>Whether the worker has reported that its host has started.</summary>
    public bool SaidReady { get; set; }

    /// <summary>Whether it was already logged that the worker breaks the contract.</summary>
    public bool IsKnownToBreakTheContract { get; set; }

    public HeartbeatFileHealth FileHealth { get; } = new();

    /// <summary>Poll it for POLLIN; negative, which poll ignores, once the worker has closed its end.</summary>
    public int LifelineNumber { get; private set; } = lifeline.Number;

    public SafeFileHandle HeartbeatFile => heartbeatFile;

    /// <summary>Sends a message. A worker that does not read its lifeline misses it (SIGTERM means the same as drain).</summary>
    /// <param name="message">The message.</param>
    /// <param name="descriptor">A descriptor of ours, of which the worker gets a copy.</param>
    public Result Send(LifelineMessage message, int? descriptor = null) => Packet.Send(lifeline.Number, message.ToUtf8(), descriptor);

    /// <summary>Reads the next packet; false if there is none.</summary>
    /// <param name="message">The worker's message; null for a packet that breaks the contract.</param>
    /// <param name="problem">What is wrong with such a packet.</param>
    public unsafe bool TryReceive(out LifelineMessage? message, out string? problem)
    {
        (message, problem) = (null, null);
        if (LifelineNumber < 0)
        {
            return false;
        }

        Result received;
        do
        {
            fixed (byte* start = _packet)
            {
                received = Result.From(Libc.recv(lifeline.Number, start, (nuint)_packet.Length, Libc.MSG_DONTWAIT));
            }
        }
        while (received.Error == Errno.EINTR);

        if (received.Error == Errno.EAGAIN)
        {
            return false;
        }

        if (!received.Ok || received.Value == 0)
        {
            // Closed: the worker is dying and soon reaped, or the app closed a descriptor that it should not have. Either way nothing is left to read.
            LifelineNumber = -1;
            return false;
        }

        if (LifelineMessage.TryParse(_packet.AsSpan(0, (int)received.Value), out message, out problem))
        {
            message = WorkerText.Of(message);
        }

        return true;
    }

    /// <summary>Ends the lifeline: nothing more is read from it, and the worker leaves as if the supervisor were gone.</summary>
    public void HangUp()
    {
        LifelineNumber = -1;

        // Not closed: the descriptor number must not be reused before the process is gone.
        _ = SocketCalls.shutdown(lifeline.Number, SocketCalls.SHUT_RDWR);
    }

    public void Dispose()
    {
        process.Dispose();
        lifeline.Dispose();
        heartbeatFile.Dispose();
    }
}
