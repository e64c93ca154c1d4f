using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>
/// Signals, as in gunicorn: TERM stops gracefully, INT and QUIT quickly, HUP reloads, TTIN and TTOU add and remove a worker, WINCH drains
/// all workers. A terminal sends some of them for other reasons: WINCH when it is resized, TTIN and TTOU for job control, and HUP when
/// it closes. Each handler cancels the default action, which would end the process.
/// </summary>
internal sealed class SignalHandlers : IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];

    public SignalHandlers(SupervisorLoop loop, OutputWriter output)
    {
        var onTerminal = HasControllingTerminal();
        Signals.StopIgnoring(
            Signals.SIGTERM, Signals.SIGINT, Signals.SIGQUIT, Signals.SIGUSR1, Signals.SIGUSR2, Signals.SIGTTIN, Signals.SIGTTOU, Signals.SIGWINCH);
        if (!onTerminal)
        {
            // nohup ignores HUP. Without a terminal, HUP means reload, so it must be handled; with one, nohup means to survive its closing.
            Signals.StopIgnoring(Signals.SIGHUP);
        }

        On(PosixSignal.SIGTERM, () => loop.Post(new StopRequested(StopKind.Graceful)));
        On(PosixSignal.SIGINT, () => loop.Post(new StopRequested(StopKind.Quick)));
        On(PosixSignal.SIGQUIT, () => loop.Post(new StopRequested(StopKind.Quick)));
        On(PosixSignal.SIGHUP, () =>
        {
            if (onTerminal)
            {
                loop.Post(new StopRequested(StopKind.Graceful));
            }
            else
            {
                loop.Post(new ReloadRequested());
            }
        });
        On((PosixSignal)Signals.SIGUSR1, () =>
        {
            output.Reopen();
            loop.PostAction(loop.ReopenAccessLogs);
        });
        On((PosixSignal)Signals.SIGUSR2, () => loop.Post(new UpgradeRequested()));
        On((PosixSignal)Signals.SIGTTIN, () => ScaleUnlessTerminal(+1));
        On((PosixSignal)Signals.SIGTTOU, () => ScaleUnlessTerminal(-1));
        On((PosixSignal)Signals.SIGWINCH, () =>
        {
            if (!onTerminal)
            {
                loop.Post(new DrainAllRequested());
            }
        });

        void ScaleUnlessTerminal(int delta)
        {
            if (!onTerminal)
            {
                loop.Post(new ScaleByRequested(delta));
            }
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private static bool HasControllingTerminal()
    {
        var opened = Result.From(LibcFiles.open("/dev/tty", LibcFiles.O_RDWR | LibcFiles.O_CLOEXEC, 0));
        if (opened.Ok)
        {
            _ = Libc.close((int)opened.Value);
        }

        return opened.Ok;
    }

    private void On(PosixSignal signal, Action act) =>
        _registrations.Add(PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            act();
        }));
}
