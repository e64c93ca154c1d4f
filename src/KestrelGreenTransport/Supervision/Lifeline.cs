using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervision;

/// <summary>
/// What this worker and its supervisor tell each other.
///
/// Neither ever waits for a full socket, except a worker that reports why it cannot start (<see cref="SendFailed"/>).
/// hello, ready and failed reach the supervisor in this order: what cannot be sent at once is kept, and tried again by
/// the beat thread. Anything else is dropped then.
/// </summary>
internal sealed class Lifeline(LifelineSocket socket, ILogger logger)
{
    // So that a flood of packets does not keep the beat thread from beating.
    private const int PacketsInARow = 64;

    private static readonly TimeSpan FinalMessageLimit = TimeSpan.FromSeconds(1);

    private readonly Lock _sending = new();
    private readonly Queue<byte[]> _unsent = new();

    /// <summary>To be polled for POLLIN and POLLRDHUP; -1 once it has ended.</summary>
    public int Descriptor { get; private set; } = socket.Descriptor;

    public bool HasUnsent
    {
        get
        {
            lock (_sending)
            {
                return _unsent.Count > 0;
            }
        }
    }

    public void SendHello(int pid) => SendForCertain(
        new LifelineMessage { Type = LifelineTypes.Hello, ContractVersion = ContractVariables.Version, Pid = pid });

    /// <summary>Asks for a listening socket; the answer is a message like any other.</summary>
    public void SendBind(long id, ListenEndpoint endpoint) => SendForCertain(
        new LifelineMessage { Type = LifelineTypes.Bind, Id = id, Endpoint = endpoint.ToString() });

    public void SendReady() => SendForCertain(new LifelineMessage { Type = LifelineTypes.Ready });

    /// <summary>Reports the result of the warm-up that the supervisor asked for.</summary>
    /// <param name="problem">What was wrong, or null.</param>
    /// <param name="timedOut">Whether the problem was only that there was no answer in time.</param>
    public void SendWarmed(string? problem, bool timedOut) => SendForCertain(new LifelineMessage
    {
        Type = LifelineTypes.Warmed,
        TimedOut = timedOut ? true : null,
        Message = problem is { Length: > LifelineRules.LongestText } ? problem[..LifelineRules.LongestText] : problem,
    });

    public void SendResigned() => SendForCertain(new LifelineMessage { Type = LifelineTypes.Leader, Yes = false });

    /// <summary>The final message of a worker that cannot start: waits for a moment until it is sent.</summary>
    public void SendFailed(int exitCode, string message)
    {
        SendForCertain(new LifelineMessage
        {
            Type = LifelineTypes.Failed,
            ExitCode = exitCode,
            Message = message.Length <= LifelineRules.LongestText ? message : message[..LifelineRules.LongestText],
        });

        while (HasUnsent && socket.WaitToSend(FinalMessageLimit))
        {
            if (!Flush())
            {
                return;
            }
        }
    }

    /// <summary>A full beat that the heartbeat file did not take. One that there is no room for is followed by the next.</summary>
    public void SendBeat(WorkerState state, long at) =>
        TrySend(new LifelineMessage { Type = LifelineTypes.Beat, State = (int)state, At = at });

    /// <summary>Sends a message that may be lost; false if there is no room for it now.</summary>
    public bool TrySend(LifelineMessage message)
    {
        lock (_sending)
        {
            return _unsent.Count == 0 && socket.Send(message.ToUtf8()).Ok;
        }
    }

    /// <summary>Tries again what could not be sent so far; false when there is still no room for all of it.</summary>
    public bool Flush()
    {
        lock (_sending)
        {
            while (_unsent.TryPeek(out var packet))
            {
                var sent = socket.Send(packet);
                if (MayWorkLater(sent))
                {
                    return false;
                }

                if (!sent.Ok && sent.Error != Errno.EPIPE)
                {
                    WorkerLog.LifelineNotSent(logger, sent.Message, sent.Error);
                }

                _unsent.Dequeue();
            }

            return true;
        }
    }

    /// <summary>Takes what the supervisor sent. Belongs to the beat thread.</summary>
    /// <param name="events">What poll(2) returned for <see cref="Descriptor"/>.</param>
    /// <param name="received">Gets each message; packets that are not messages are skipped.</param>
    /// <returns>False when the supervisor is gone.</returns>
    public bool Receive(short events, Action<LifelineMessage> received)
    {
        if ((events & Libc.POLLNVAL) != 0)
        {
            // Code in this process closed it. That does not mean that the supervisor is gone.
            Descriptor = -1;
            WorkerLog.LifelineClosedHere(logger, socket.Descriptor);
            return true;
        }

        for (var i = 0; events != 0 && i < PacketsInARow; i++)
        {
            var taken = socket.Receive(out var packet, out var descriptor);
            if (taken.Error is Errno.EAGAIN or Errno.EINTR)
            {
                break;
            }

            // An empty packet reads like an end-of-file; only a hang-up tells them apart, and the next poll if it is late.
            var isHungUp = (events & (Libc.POLLHUP | Libc.POLLRDHUP)) != 0;
            if (taken.Value == 0 && !isHungUp)
            {
                break;
            }

            if (!taken.Ok || taken.Value == 0)
            {
                Descriptor = -1;
                return false;
            }

            if (taken.Value > LifelineMessage.MaxSize || !LifelineMessage.TryParse(packet, out var message))
            {
                descriptor?.Dispose();
                WorkerLog.LifelinePacketIgnored(logger, taken.Value);
                continue;
            }

            received(descriptor is null ? message : message with { Descriptor = descriptor });
        }

        return true;
    }

    private static bool MayWorkLater(Result sent) => sent.Error is Errno.EAGAIN or Errno.EINTR or Errno.ENOBUFS or Errno.ENOMEM;

    private void SendForCertain(LifelineMessage message)
    {
        lock (_sending)
        {
            _unsent.Enqueue(message.ToUtf8());
        }

        Flush();
    }
}
