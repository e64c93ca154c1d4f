using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>What the supervisor holds of one living process. Used by the supervisor's thread alone.</summary>
internal sealed class WorkerProcess(int index, long generation, PidFd process, Descriptor lifeline, SafeFileHandle heartbeatFile) : IDisposable
{
    private readonly byte[] _packet = new byte[LifelineMessage.MaxSize];

    public int Index => index;

    public long Generation => generation;

    public PidFd Process => process;

    /// <summary>The sequence of the last beat that was seen.</summary>
    public ulong LastSequence { get; set; }

    public bool SaidHello { get; set; }

    /// <summary>Whether its host has started, by its own word.</summary>
    public bool SaidReady { get; set; }

    /// <summary>Whether it was said before that it does not keep the contract.</summary>
    public bool IsKnownToBreakTheContract { get; set; }

    public HeartbeatFileHealth FileHealth { get; } = new();

    /// <summary>To be polled for POLLIN; negative, which poll ignores, once the worker has closed its end.</summary>
    public int LifelineNumber { get; private set; } = lifeline.Number;

    public SafeFileHandle HeartbeatFile => heartbeatFile;

    /// <summary>Sends a message; a worker that does not read its lifeline misses it (SIGTERM says the same as drain).</summary>
    /// <param name="message">What to say.</param>
    /// <param name="descriptor">A descriptor of ours that the worker gets a copy of.</param>
    public Result Send(LifelineMessage message, int? descriptor = null) => Packet.Send(lifeline.Number, message.ToUtf8(), descriptor);

    /// <summary>Takes the next packet; false when there is none.</summary>
    /// <param name="message">What the worker says; null for a packet that does not keep the contract.</param>
    /// <param name="problem">What is wrong with it then.</param>
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
            // Closed: a dying worker, soon reaped, or an app that closed what it should not. It does not matter here.
            LifelineNumber = -1;
            return false;
        }

        if (LifelineMessage.TryParse(_packet.AsSpan(0, (int)received.Value), out message, out problem))
        {
            message = WorkerText.Of(message);
        }

        return true;
    }

    /// <summary>Ends the lifeline: nothing is read of it any more, and the worker leaves as if the supervisor were gone.</summary>
    public void HangUp()
    {
        LifelineNumber = -1;

        // Not closed: until the process is gone the number stays its own.
        _ = SocketCalls.shutdown(lifeline.Number, SocketCalls.SHUT_RDWR);
    }

    public void Dispose()
    {
        process.Dispose();
        lifeline.Dispose();
        heartbeatFile.Dispose();
    }
}
