using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Files;
using KestrelGreenTransport.Supervisor.Init;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Systemd;

namespace KestrelGreenTransport.Supervisor.Upgrading;

/// <summary>What a supervisor holds and its successor gets.</summary>
/// <param name="Listeners">The listening sockets.</param>
/// <param name="Control">The control socket.</param>
/// <param name="PidFile">The pid file; null without one.</param>
/// <param name="Name">The lock on the instance's name; null where the supervisor before kept it.</param>
/// <param name="Service">The way to the service manager; null without one.</param>
/// <param name="Init">The way to our init; null when there is none.</param>
/// <param name="StopAnswering">Ends the answering on the control socket, and waits until it has ended.</param>
internal sealed record Estate(
    ListenerSet Listeners, ControlSocket Control, PidFile? PidFile, NameLock? Name, ServiceManager? Service, InitLink? Init, Action StopAnswering)
{
    /// <summary>From now on nothing of it is removed when this process ends.</summary>
    public void LetGo()
    {
        Listeners.LetGo();
        Control.LetGo();
        PidFile?.LetGo();
        Name?.LetGo();
        StopAnswering();
    }
}
