using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Init;

// The init lives as long as the supervisor, and exits with its exit code.
// It decides nothing: it passes on signals and reaps orphans.

/// <summary>
/// The first process of a container. The kernel gives it every orphan, and treats its signals differently, so the real
/// supervisor runs as its child, started with the same command line.
/// </summary>
internal static unsafe class InitProcess
{
    private const int FirstPid = 1;
    private const int PipeInChild = 3;

    private static readonly int[] Forwarded =
    [
        Signals.SIGHUP, Signals.SIGINT, Signals.SIGQUIT, Signals.SIGUSR1, Signals.SIGUSR2, Signals.SIGTERM, Signals.SIGTTIN, Signals.SIGTTOU, Signals.SIGWINCH,
    ];

    /// <summary>Whether this process is the first one, and so must not be the supervisor itself.</summary>
    public static bool IsNeeded => Environment.ProcessId == FirstPid;

    /// <summary>Starts this program again as a child, and waits for its end; returns its exit code, or 128 + the signal.</summary>
    /// <exception cref="StartupException">The child cannot be started.</exception>
    public static int Run()
    {
        var (read, write) = Descriptor.Pipe();
        using var successors = read;
        var main = new Main(successors.Number);
        Signals.StopIgnoring(Forwarded);
        var registrations = Forwarded.Select(signal => PosixSignalRegistration.Create((PosixSignal)signal, context =>
        {
            context.Cancel = true;
            main.Signal(signal);
        })).ToArray();

        // The runtime's own handler would reap every child of process 1, and the exit codes would be lost.
        _ = Posix.signal(Signals.SIGCHLD, Posix.SIG_DFL);
        try
        {
            Result spawned;
            using (write)
            {
                spawned = Spawn.StartUnwatched(new SpawnRequest
                {
                    FileName = Self.Program,
                    Arguments = Self.Arguments,
                    Environment = new Dictionary<string, string>(Self.Variables()) { [OwnVariables.Init] = PipeInChild.ToString(CultureInfo.InvariantCulture) },
                    Descriptors = [(1, 1), (2, 2), (write.Number, PipeInChild)],

                    // Signals from the terminal still reach it.
                    OwnSession = false,
                });
            }

            if (!spawned.Ok)
            {
                throw new StartupException(ExitCodes.Unexpected, $"as process 1, green must start itself again and cannot: {Self.Program}: {spawned.Message}.");
            }

            main.Follow((int)spawned.Value);
            return WaitFor(main);
        }
        catch (IOException e)
        {
            throw new StartupException(ExitCodes.Unexpected, $"as process 1, green must start itself again and cannot: {e.Message}");
        }
        finally
        {
            foreach (var registration in registrations)
            {
                registration.Dispose();
            }
        }
    }

    private static int WaitFor(Main main)
    {
        while (true)
        {
            int status;
            var reaped = Result.From(Posix.waitpid(-1, &status, 0));
            if (reaped.Ok && reaped.Value == main.Current)
            {
                var signal = status & 0x7f;
                return signal == 0 ? (status >> 8) & 0xff : 128 + signal;
            }

            if (!reaped.Ok && reaped.Error != Errno.EINTR)
            {
                throw new NativeException("waitpid", reaped);
            }
        }
    }

    /// <summary>The supervisor to follow. After an upgrade that is a new process, which writes its pid to the pipe before the old one exits.</summary>
    private sealed class Main(int successors)
    {
        private readonly Lock _lock = new();
        private readonly List<int> _early = [];
        private int _pid;

        public int Current
        {
            get
            {
                lock (_lock)
                {
                    Look();
                    return _pid;
                }
            }
        }

        public void Follow(int pid)
        {
            lock (_lock)
            {
                _pid = pid;
                _early.ForEach(signal => Posix.kill(pid, signal));
                _early.Clear();
            }
        }

        public void Signal(int signal)
        {
            lock (_lock)
            {
                Look();
                if (_pid == 0)
                {
                    _early.Add(signal);
                }
                else
                {
                    _ = Posix.kill(_pid, signal);
                }
            }
        }

        private void Look()
        {
            var text = stackalloc byte[256];
            while (Libc.read(successors, text, 256) is > 0 and var length)
            {
                var last = Encoding.ASCII.GetString(text, (int)length).Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
                _pid = int.Parse(last, CultureInfo.InvariantCulture);
            }
        }
    }
}
