using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>
/// Runs the command that comes before a generation, in a process group of its own: it may take as long as it needs, and ends
/// when the supervisor is told to stop.
/// </summary>
internal sealed class BeforeStart : IDisposable
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;
    private const string Shell = "/bin/sh";

    // After a polite word, for a shell whose children do not listen.
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(2);

    private readonly WakeEvent _cancelled = new();
    private readonly byte[] _buffer = new byte[16 * 1024];

    /// <summary>Ends what runs, and whatever is run later.</summary>
    public void Cancel() => _cancelled.Set();

    /// <summary>Runs a command to its end.</summary>
    /// <param name="command">For the shell.</param>
    /// <param name="plan">Its environment and folder are those of a worker, without the worker contract.</param>
    /// <param name="line">Gets each line that it writes.</param>
    /// <returns>What was wrong; null when it ended with 0.</returns>
    public string? Run(string command, LaunchPlan plan, Action<string> line)
    {
        var (read, write) = Descriptor.Pipe();
        using (read)
        {
            Result spawned;
            using (write)
            {
                spawned = Spawn.Start(new SpawnRequest
                {
                    FileName = Shell,
                    Arguments = ["-c", command],
                    Environment = WorkerEnvironment.For(plan, new Dictionary<string, string>()),
                    Descriptors = [(write.Number, StandardOutput), (write.Number, StandardError)],
                    WorkingDirectory = plan.App.WorkingDirectory,
                });
            }

            if (!spawned.Ok)
            {
                return $"BeforeStart ('{command}') cannot be started: {spawned.Message}";
            }

            using var child = PidFd.Open((int)spawned.Value);
            return Watch(command, child, read, line);
        }
    }

    public void Dispose() => _cancelled.Dispose();

    private unsafe string? Watch(string command, PidFd child, Descriptor output, Action<string> line)
    {
        var lines = new LineSplitter();
        void PassOn(ReadOnlyMemory<byte> text) => line(Encoding.UTF8.GetString(text.Span));

        var outputNumber = output.Number;
        var cancelNumber = _cancelled.Number;
        var wasCancelled = false;
        var polled = stackalloc Libc.PollFd[3];
        while (true)
        {
            polled[0] = new Libc.PollFd { fd = outputNumber, events = Libc.POLLIN };
            polled[1] = new Libc.PollFd { fd = child.Number, events = Libc.POLLIN };
            polled[2] = new Libc.PollFd { fd = cancelNumber, events = Libc.POLLIN };
            var woken = Libc.poll(polled, 3, wasCancelled ? (int)LeaveLimit.TotalMilliseconds : -1);
            if (polled[2].revents != 0 || (woken == 0 && wasCancelled))
            {
                // The group, since a shell does not pass signals on.
                _ = Posix.kill(-child.Pid, wasCancelled ? Signals.SIGKILL : Signals.SIGTERM);
                (wasCancelled, cancelNumber) = (true, -1);
            }

            if (polled[0].revents != 0 && !ReadOnce(output, lines, PassOn))
            {
                outputNumber = -1;
            }

            // What it left running in the background may hold the pipe for ever: that is not waited for.
            if (polled[1].revents != 0 && (polled[0].revents & Libc.POLLIN) == 0)
            {
                lines.Complete(PassOn);
                var exit = child.Reap()!.Value;
                return wasCancelled ? $"BeforeStart ('{command}') was ended"
                    : exit.Code == 0 ? null
                    : $"BeforeStart ('{command}') {SupervisorLog.Describe(exit)}";
            }
        }
    }

    private unsafe bool ReadOnce(Descriptor output, LineSplitter lines, Action<ReadOnlyMemory<byte>> line)
    {
        Result read;
        fixed (byte* start = _buffer)
        {
            read = Result.From(Libc.read(output.Number, start, (nuint)_buffer.Length));
        }

        if (read.Error is Errno.EAGAIN or Errno.EINTR)
        {
            return true;
        }

        if (read.Value <= 0)
        {
            return false;
        }

        lines.Append(_buffer.AsSpan(0, (int)read.Value), line);
        return true;
    }
}
