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

    public HeartbeatFileHealth FileHealth { get; } = new();

    /// <summary>To be polled for POLLIN; negative, which poll ignores, once the worker has closed its end.</summary>
    public int LifelineNumber { get; private set; } = lifeline.Number;

    public SafeFileHandle HeartbeatFile => heartbeatFile;

    /// <summary>Sends a message; a worker that does not read its lifeline misses it (SIGTERM says the same as drain).</summary>
    /// <param name="message">What to say.</param>
    /// <param name="descriptor">A descriptor of ours that the worker gets a copy of.</param>
    public Result Send(LifelineMessage message, int? descriptor = null) => Packet.Send(lifeline.Number, message.ToUtf8(), descriptor);

    /// <summary>Takes the next message, or null when there is none. What is not a message of the contract is skipped.</summary>
    public unsafe LifelineMessage? Receive()
    {
        while (LifelineNumber >= 0)
        {
            Result received;
            fixed (byte* start = _packet)
            {
                received = Result.From(Libc.recv(lifeline.Number, start, (nuint)_packet.Length, Libc.MSG_DONTWAIT));
            }

            if (received.Error == Errno.EINTR)
            {
                continue;
            }

            if (received.Error == Errno.EAGAIN)
            {
                return null;
            }

            if (!received.Ok || received.Value == 0)
            {
                // Closed: a dying worker, soon reaped, or an app that closed what it should not. It does not matter here.
                LifelineNumber = -1;
                return null;
            }

            if (LifelineMessage.TryParse(_packet.AsSpan(0, (int)received.Value), out var message))
            {
                return WorkerText.Of(message);
            }
        }

        return null;
    }

    public void Dispose()
    {
        process.Dispose();
        lifeline.Dispose();
        heartbeatFile.Dispose();
    }
}
