using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervision;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// Stops this worker because its supervisor said so, or is gone.
///
/// All of its hosts are stopped gracefully; if something still keeps the process alive at <see cref="ForceAt"/>, it is ended
/// by force. Only for the beat thread, except <see cref="Join"/>.
/// </summary>
internal sealed class WorkerStop(Func<IEnumerable<HostStop>> hosts, WorkerLife life, ForcedExit exit, TimeProvider time, ILogger logger)
    : ILifelineHandler
{
    /// <summary>How much longer than its deadline a graceful stop may take before the process is ended by force.</summary>
    public static readonly TimeSpan GraceMargin = TimeSpan.FromSeconds(10);

    /// <summary>The same for a quick stop, which finishes nothing.</summary>
    public static readonly TimeSpan QuickMargin = TimeSpan.FromSeconds(1);

    private const int Ok = 0;
    private const int Unexpected = 1;
    private const long NotAsked = -1;

    private static readonly TimeSpan LongestDeadline = TimeSpan.FromDays(1);

    private long _deadlineTicks = NotAsked;
    private string _forceReason = "";
    private int _forceCode;

    /// <summary>Monotonic nanoseconds at which the process is ended by force; <see cref="long.MaxValue"/> until it is told to exit.</summary>
    public long ForceAt { get; private set; } = long.MaxValue;

    public void Receive(LifelineMessage message, Lifeline lifeline)
    {
        if (message.Type == LifelineTypes.Drain)
        {
            Drain(message.DeadlineMs);
        }
    }

    /// <summary>The supervisor asks for a stop: requests in flight may take this long, or GracefulTimeout if it does not say.</summary>
    public void Drain(long? deadlineMilliseconds)
    {
        var deadline = deadlineMilliseconds is { } asked
            ? TimeSpan.FromMilliseconds(Math.Clamp(asked, 0, (long)LongestDeadline.TotalMilliseconds))
            : LongestGracefulTimeout();
        WorkerLog.Draining(logger, deadline.TotalMilliseconds);
        if (deadline == TimeSpan.Zero)
        {
            Begin(deadline, QuickMargin, Ok, "it was told to exit at once");
        }
        else
        {
            Begin(deadline, GraceMargin, Unexpected, $"it was told to stop and did not within {Duration.Format(deadline + GraceMargin)}");
        }
    }

    /// <summary>No supervisor watches over this worker any more, and none would replace it: it finishes its requests and exits.</summary>
    public void SupervisorGone()
    {
        var deadline = LongestGracefulTimeout();
        WorkerLog.SupervisorGone(logger, deadline.TotalMilliseconds);
        Begin(deadline, GraceMargin, Unexpected, $"its supervisor is gone, and it did not stop within {Duration.Format(deadline + GraceMargin)}");
    }

    /// <summary>Adds a host. If the worker was told to exit before, the host is stopped like the others.</summary>
    public void Join(HostStop host)
    {
        if (Volatile.Read(ref _deadlineTicks) is var ticks and not NotAsked)
        {
            host.Begin(TimeSpan.FromTicks(ticks));
        }
    }

    /// <summary>Ends the process by force once it is time.</summary>
    public void ForceIfDue(long now)
    {
        if (now >= ForceAt)
        {
            ForceAt = long.MaxValue;
            exit.Leave(_forceCode, _forceReason);
        }
    }

    private void Begin(TimeSpan deadline, TimeSpan margin, int forceCode, string forceReason)
    {
        var forceAt = time.Nanoseconds() + (deadline + margin).ToNanoseconds();
        if (forceAt < ForceAt)
        {
            (ForceAt, _forceCode, _forceReason) = (forceAt, forceCode, forceReason);
        }

        // Before the hosts are read: a host that joins just now is either among them, or sees this.
        Volatile.Write(ref _deadlineTicks, deadline.Ticks);
        life.Leave();
        foreach (var host in hosts())
        {
            host.Begin(deadline);
        }
    }

    private TimeSpan LongestGracefulTimeout() => hosts().Select(static host => host.GracefulTimeout).DefaultIfEmpty().Max();
}
