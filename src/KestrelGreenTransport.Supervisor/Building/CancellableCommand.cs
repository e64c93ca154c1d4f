using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Privileges;

namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>
/// Runs commands to their end, one at a time: the build of a generation, the command before its start. A command may take as
/// long as it needs, and is ended when the supervisor is told to stop.
/// </summary>
internal sealed class CancellableCommand : IDisposable
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    // How long after SIGTERM the group gets SIGKILL, for a shell whose children ignore SIGTERM.
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(2);

    private readonly WakeEvent _cancelled = new();
    private readonly byte[] _buffer = new byte[16 * 1024];

    /// <summary>Ends the command that is running, and every later one.</summary>
    public void Cancel() => _cancelled.Set();

    /// <summary>Runs a command to its end.</summary>
    /// <param name="request">The command. The descriptors that it names replace the output that we read.</param>
    /// <param name="line">Gets each line that it writes, to either stream.</param>
    /// <param name="identity">The user that it runs as; null for the supervisor's.</param>
    public CommandEnd Run(SpawnRequest request, Action<string> line, WorkerIdentity? identity = null)
    {
        var lines = new LineSplitter();
        void PassOn(ReadOnlyMemory<byte> text) => line(Encoding.UTF8.GetString(text.Span));

        var end = Run(request with { RunAs = identity?.Credentials }, bytes => lines.Append(bytes, PassOn));
        lines.Complete(PassOn);
        return end;
    }

    /// <summary>The same, with the bytes that it writes.</summary>
    public CommandEnd Run(SpawnRequest request, Action<ReadOnlySpan<byte>> output)
    {
        var (read, write) = Descriptor.Pipe();
        using (read)
        {
            Spawned spawned;
            using (write)
            {
                spawned = Spawn.Start(request with { Descriptors = [(write.Number, StandardOutput), (write.Number, StandardError), .. request.Descriptors] });
            }

            using var child = spawned.Process;
            if (child is null)
            {
                return new CommandEnd(default, false, spawned.Error);
            }

            var (status, wasCancelled) = Watch(child, read, output);
            return new CommandEnd(status, wasCancelled, null);
        }
    }

    public void Dispose() => _cancelled.Dispose();

    private unsafe (ExitStatus Status, bool WasCancelled) Watch(PidFd child, Descriptor pipe, Action<ReadOnlySpan<byte>> output)
    {
        var outputNumber = pipe.Number;
        var cancelNumber = _cancelled.Number;
        var wasCancelled = false;
        var polled = stackalloc Libc.PollFd[3];
        while (true)
        {
            // The child first: the kernel looks at them in this order, so that one look that sees its end also sees what it wrote before.
            polled[0] = new Libc.PollFd { fd = child.Number, events = Libc.POLLIN };
            polled[1] = new Libc.PollFd { fd = outputNumber, events = Libc.POLLIN };
            polled[2] = new Libc.PollFd { fd = cancelNumber, events = Libc.POLLIN };
            var woken = Libc.poll(polled, 3, wasCancelled ? (int)LeaveLimit.TotalMilliseconds : -1);
            if (polled[2].revents != 0 || (woken == 0 && wasCancelled))
            {
                // The whole group, since a shell does not pass signals on.
                _ = Posix.kill(-child.Pid, wasCancelled ? Signals.SIGKILL : Signals.SIGTERM);
                (wasCancelled, cancelNumber) = (true, -1);
            }

            if (polled[1].revents != 0 && !ReadOnce(pipe, output))
            {
                outputNumber = -1;
            }

            // Background processes of the command may hold the pipe open forever, so the end of the pipe is not awaited.
            if (polled[0].revents != 0 && (polled[1].revents & Libc.POLLIN) == 0)
            {
                return (child.Reap()!.Value, wasCancelled);
            }
        }
    }

    private unsafe bool ReadOnce(Descriptor pipe, Action<ReadOnlySpan<byte>> output)
    {
        Result read;
        fixed (byte* start = _buffer)
        {
            read = Result.From(Libc.read(pipe.Number, start, (nuint)_buffer.Length));
        }

        if (read.Error is Errno.EAGAIN or Errno.EINTR)
        {
            return true;
        }

        if (read.Value <= 0)
        {
            return false;
        }

        output(_buffer.AsSpan(0, (int)read.Value));
        return true;
    }
}

/// <summary>How a command ended.</summary>
/// <param name="Status">The exit status.</param>
/// <param name="WasCancelled">Whether it was cancelled.</param>
/// <param name="NotStarted">Why it never ran; null if it did.</param>
internal readonly record struct CommandEnd(ExitStatus Status, bool WasCancelled, string? NotStarted);
