using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Core;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>A child process by its pidfd, which never refers to another process that reuses the pid.</summary>
internal sealed class PidFd : SafeHandle
{
    private PidFd(int pid, int descriptor)
        : base(-1, ownsHandle: true)
    {
        Pid = pid;
        SetHandle(descriptor);
    }

    public int Pid { get; }

    /// <summary>Poll it for POLLIN: readable once the process has ended.</summary>
    public int Number => (int)handle;

    public override bool IsInvalid => handle < 0;

    /// <summary>
    /// Takes charge of a child that was just started and has not been reaped, so its pid cannot have been reused. A child
    /// that cannot be watched is killed and reaped here, because nothing else would ever notice its end.
    /// </summary>
    /// <param name="pid">The child.</param>
    /// <param name="leadsGroup">Whether the child leads a process group; if it must be killed, the whole group is.</param>
    /// <param name="failure">Why it could not be watched and was killed.</param>
    public static PidFd? Adopt(int pid, bool leadsGroup, out Result failure)
    {
        failure = SystemCalls.Make(SystemCall.pidfd_open, pid);
        if (failure.Ok)
        {
            return new PidFd(pid, (int)failure.Value);
        }

        _ = Posix.kill(leadsGroup ? -pid : pid, Signals.SIGKILL);
        _ = Collect(pid, 0);
        return null;
    }

    /// <summary>Opens any process; null if it cannot be opened, for example because it does not exist.</summary>
    public static PidFd? TryOpen(int pid)
    {
        var opened = SystemCalls.Make(SystemCall.pidfd_open, pid);
        return opened.Ok ? new PidFd(pid, (int)opened.Value) : null;
    }

    /// <summary>Whether the process of a pidfd that was passed to us has ended.</summary>
    public static bool HasEnded(SafeFileHandle passed) => WaitForEnd((int)passed.DangerousGetHandle(), TimeSpan.Zero);

    /// <summary>Waits until the process has ended; false if the limit passes first.</summary>
    public bool WaitForEnd(TimeSpan limit) => WaitForEnd(Number, limit);

    public Result Signal(int signal) => SystemCalls.Make(SystemCall.pidfd_send_signal, Number, signal);

    /// <summary>Collects the exit; null while the process lives.</summary>
    public ExitStatus? Reap() => Collect(Pid, Posix.WNOHANG);

    private static unsafe ExitStatus? Collect(int pid, int options)
    {
        int status;
        Result waited;
        do
        {
            waited = Result.From(Posix.waitpid(pid, &status, options));
        }
        while (waited.Error == Errno.EINTR);

        if (waited.Error == Errno.ECHILD)
        {
            // Something else reaped it (as PID 1 the runtime reaps every child): it is gone, its status unknown.
            return new ExitStatus(null, null);
        }

        if (!waited.Ok || waited.Value == 0)
        {
            return null;
        }

        var signal = status & 0x7f;
        return signal == 0 ? ExitStatus.Exited((status >> 8) & 0xff) : ExitStatus.Killed(signal);
    }

    private static unsafe bool WaitForEnd(int descriptor, TimeSpan limit)
    {
        var entry = new Libc.PollFd { fd = descriptor, events = Libc.POLLIN };
        return Libc.poll(&entry, 1, (int)limit.TotalMilliseconds) == 1;
    }

    protected override bool ReleaseHandle() => Libc.close((int)handle) == 0;
}
