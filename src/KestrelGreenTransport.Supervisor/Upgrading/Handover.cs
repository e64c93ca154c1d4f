using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Files;
using KestrelGreenTransport.Supervisor.Init;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Systemd;

namespace KestrelGreenTransport.Supervisor.Upgrading;

/// <summary>Everything that a supervisor hands to its successor.</summary>
/// <param name="Listeners">The listening sockets.</param>
/// <param name="Control">The control socket.</param>
/// <param name="PidFile">The pid file; null if there is none.</param>
/// <param name="Name">The lock on the instance's name; null if the previous supervisor kept it.</param>
/// <param name="Service">The connection to the service manager; null if there is none.</param>
/// <param name="Init">The connection to our init; null if there is none.</param>
/// <param name="Answering">The servers on the control socket and on the admin address.</param>
internal sealed record Handover(
    ListenerSet Listeners, ControlSocket Control, PidFile? PidFile, NameLock? Name, ServiceManager? Service, InitLink? Init, Answering Answering)
{
    /// <summary>From now on this process alone is the supervisor.</summary>
    public void TakeOver()
    {
        Listeners.TakeOver();
        Control.TakeOver();
        PidFile?.TakeOver();
        Name?.TakeOver();
        Service?.IsMuted = false;
        Init?.AnnounceSupervisor();
    }

    /// <summary>From now on this process removes nothing of it when it exits.</summary>
    public void LetGo()
    {
        Listeners.LetGo();
        Control.LetGo();
        PidFile?.LetGo();
        Name?.LetGo();
        Answering.Dispose();
    }
}
