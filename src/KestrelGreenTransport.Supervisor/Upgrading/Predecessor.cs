using System.Globalization;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Files;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Upgrading;

// Until the old supervisor says "yours" it is the supervisor: it answers on the control socket, holds the pid file and
// speaks to the service manager. Should it die before, this one takes its place.
// Its leader leads on until it has drained: no worker of ours does meanwhile, though the old supervisor be gone.

/// <summary>The new supervisor's side of an upgrade: who was here before.</summary>
internal sealed class Predecessor : ISupervisorPart, IDisposable
{
    private readonly UpgradePackage _package;
    private readonly UpgradeChannel _channel;
    private readonly ILogger _logger;
    private SafeFileHandle? _leader;
    private bool _saidReady;
    private bool _isGone;

    private Predecessor(UpgradePackage package, ILogger logger)
    {
        _package = package;
        _channel = new UpgradeChannel(new Descriptor(package.Channel));
        _logger = logger;
    }

    /// <summary>Its listening sockets, by what was asked for.</summary>
    public IReadOnlyList<(string Key, int Descriptor)> Sockets => _package.Sockets;

    /// <summary>Whether it still is the supervisor.</summary>
    public bool IsInForce { get; private set; } = true;

    /// <summary>Whether a worker of its own may lead.</summary>
    public bool HasLead { get; private set; } = true;

    /// <summary>The pidfd of its leader; null while there is none.</summary>
    public int? Leader => (int?)_leader?.DangerousGetHandle();

    /// <summary>Called on the supervisor's thread when this one is the supervisor.</summary>
    public Action? TakenOver { get; set; }

    /// <summary>Called there when a worker of ours may lead.</summary>
    public Action? LeadGiven { get; set; }

    /// <summary>Whom this process takes over from; null when it is the first. The variable is taken, so that no child sees it.</summary>
    public static Predecessor? Find(ILogger logger)
    {
        var package = UpgradePackage.Parse(Environment.GetEnvironmentVariable(OwnVariables.Upgrade));
        Environment.SetEnvironmentVariable(OwnVariables.Upgrade, null);
        if (package is null)
        {
            return null;
        }

        _ = Libc.AdoptDescriptor(package.Channel);
        return new Predecessor(package, logger);
    }

    /// <summary>Where this one's heartbeats go: beside those of the one before, whose workers use theirs; a new name has a place of its own.</summary>
    /// <param name="path">The place of an instance of this name.</param>
    public string HeartbeatPath(string path) =>
        _package.Name is { } directory && !ProcFs.IsSameFile(directory, path) ? path : string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}");

    /// <summary>Its lock on the instance's name, if this one has the same; null from one that keeps it.</summary>
    /// <param name="path">The place of an instance of this name.</param>
    public NameLock? NameAt(string path) =>
        _package.Name is { } directory && ProcFs.IsSameFile(directory, path) ? NameLock.Share(path, directory) : null;

    /// <summary>Its pid file, if this path still names it.</summary>
    public PidFile? PidFileAt(string path) =>
        _package.PidFile is { } descriptor && ProcFs.IsSameFile(descriptor, path) ? PidFile.Share(path, descriptor) : null;

    /// <summary>Its control socket, if that is where this one answers too.</summary>
    public ControlSocket? ControlAt(string path) =>
        _package.Control.Path == path ? ControlSocket.Share(path, _package.Control.Descriptor) : null;

    public void OnTick(SupervisorState state)
    {
        if (!_saidReady && state.Phase == SupervisorPhase.Running)
        {
            _saidReady = true;
            _ = _channel.Send(UpgradeChannel.Ready);
        }

        while (!_isGone && _channel.Receive(out var descriptor) is { } word)
        {
            Hear(word, descriptor);
        }

        if (_isGone && HasLead && (_leader is null || PidFd.HasEnded(_leader)))
        {
            TakeLead();
        }
    }

    public void Dispose()
    {
        _leader?.Dispose();
        _channel.Dispose();
    }

    private void Hear(string word, SafeFileHandle? descriptor)
    {
        switch (word)
        {
            case UpgradeChannel.Leads:
                _leader?.Dispose();
                _leader = descriptor;
                return;
            case UpgradeChannel.Lead when HasLead:
                TakeLead();
                break;
            case UpgradeChannel.Yours:
                TakeOver();
                break;
            case UpgradeChannel.Ended:
                _isGone = true;
                TakeOver();
                break;
        }

        descriptor?.Dispose();
    }

    private void TakeOver()
    {
        if (IsInForce)
        {
            IsInForce = false;
            SupervisorLog.TakenOver(_logger);
            TakenOver?.Invoke();
        }
    }

    private void TakeLead()
    {
        HasLead = false;
        LeadGiven?.Invoke();
    }
}
