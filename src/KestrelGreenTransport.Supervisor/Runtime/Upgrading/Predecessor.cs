using System.Globalization;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Runtime;

// Until the old supervisor says "yours" it is the supervisor: it answers on the control socket, holds the pid file and
// speaks to the service manager. Should it die before, this one takes its place.

/// <summary>The new supervisor's side of an upgrade: who was here before.</summary>
internal sealed class Predecessor : ISupervisorPart, IDisposable
{
    private readonly UpgradePackage _package;
    private readonly UpgradeChannel _channel;
    private readonly ILogger _logger;
    private bool _saidReady;
    private bool _isOver;

    private Predecessor(UpgradePackage package, ILogger logger)
    {
        _package = package;
        _channel = new UpgradeChannel(new Descriptor(package.Channel));
        _logger = logger;
    }

    /// <summary>Its listening sockets, by what was asked for.</summary>
    public IReadOnlyList<(string Key, int Descriptor)> Sockets => _package.Sockets;

    /// <summary>Called on the supervisor's thread when this one is the supervisor.</summary>
    public Action? TakenOver { get; set; }

    /// <summary>Whom this process takes over from; null when it is the first. The variable is taken, so that no child sees it.</summary>
    public static Predecessor? Find(ILogger logger)
    {
        var package = UpgradePackage.Parse(Environment.GetEnvironmentVariable(UpgradePackage.Variable));
        Environment.SetEnvironmentVariable(UpgradePackage.Variable, null);
        if (package is null)
        {
            return null;
        }

        _ = Libc.AdoptDescriptor(package.Channel);
        return new Predecessor(package, logger);
    }

    /// <summary>A directory beside the one that its workers still use.</summary>
    public static string HeartbeatPathBeside(string path) => string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}");

    /// <summary>Its pid file, if this path still names it.</summary>
    public PidFile? PidFileAt(string path) =>
        _package.PidFile is { } descriptor && ProcFs.IsSameFile(descriptor, path) ? PidFile.Share(path, descriptor) : null;

    /// <summary>Its control socket, if that is where this one answers too.</summary>
    public ControlSocket? ControlAt(string path) =>
        _package.Control.Path == path ? ControlSocket.Share(path, _package.Control.Descriptor) : null;

    public void OnTick(SupervisorState state)
    {
        if (_isOver)
        {
            return;
        }

        if (!_saidReady && state.Phase == SupervisorPhase.Running)
        {
            _saidReady = true;
            _channel.Send(UpgradeChannel.Ready);
        }

        if (_channel.Receive() is UpgradeChannel.Yours or UpgradeChannel.Ended)
        {
            _isOver = true;
            SupervisorLog.TakenOver(_logger);
            TakenOver?.Invoke();
        }
    }

    public void Dispose() => _channel.Dispose();
}
