using System.Globalization;
using KestrelGreenTransport.Contract;
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

// Until the old supervisor sends "yours" it is the supervisor: it answers on the control socket, holds the pid file and
// talks to the service manager. If it dies before that, this one takes over.
// The old supervisor's leader stays the leader until it has drained; until then no worker of ours leads, even if the old supervisor
// is gone.

/// <summary>The new supervisor's side of an upgrade: its view of the old supervisor.</summary>
internal sealed class PreviousSupervisor : ISupervisorPart, IDisposable
{
    private readonly UpgradePackage _package;
    private readonly UpgradeChannel _channel;
    private readonly ILogger _logger;
    private SafeFileHandle? _leader;
    private bool _saidReady;
    private bool _isGone;

    private PreviousSupervisor(UpgradePackage package, ILogger logger)
    {
        _package = package;
        _channel = new UpgradeChannel(new Descriptor(package.Channel));
        _logger = logger;
    }

    /// <summary>The old supervisor's listening sockets, by what it was asked to bind.</summary>
    public IReadOnlyList<(string Key, int Descriptor)> Sockets => _package.Sockets;

    /// <summary>Whether the old supervisor is still the supervisor.</summary>
    public bool IsInForce { get; private set; } = true;

    /// <summary>Whether a worker of the old supervisor may lead.</summary>
    public bool HasLead { get; private set; } = true;

    /// <summary>The pidfd of the old supervisor's leader; null while there is none.</summary>
    public int? Leader => (int?)_leader?.DangerousGetHandle();

    /// <summary>Called on the supervisor's thread once this one is the supervisor.</summary>
    public Action? TakenOver { get; set; }

    /// <summary>Called on the supervisor's thread once a worker of ours may lead.</summary>
    public Action? LeadGiven { get; set; }

    /// <summary>The supervisor that this process takes over from; null if there is none.</summary>
    public static PreviousSupervisor? Find(ILogger logger)
    {
        var package = UpgradePackage.Parse(ContractVariables.Take(OwnVariables.Upgrade));
        if (package is null)
        {
            return null;
        }

        _ = Libc.AdoptDescriptor(package.Channel);
        return new PreviousSupervisor(package, logger);
    }

    /// <summary>Where our heartbeat files go: beside the old supervisor's, whose workers still use theirs. A new name has its own place.</summary>
    /// <param name="path">The default path for an instance of our name.</param>
    public string HeartbeatPath(string path) =>
        _package.Name is { } directory && !IsOf(directory, path) ? path : string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}");

    /// <summary>The old supervisor's lock on the instance's name, if ours is the same; null if the old supervisor kept it.</summary>
    /// <param name="path">The default path for an instance of our name.</param>
    public NameLock? NameAt(string path) =>
        _package.Name is { } directory && IsOf(directory, path) ? NameLock.Share(path, directory) : null;

    /// <summary>The old supervisor's pid file, if this path still names it.</summary>
    public PidFile? PidFileAt(string path) =>
        _package.PidFile is { } descriptor && IsOf(descriptor, path) ? PidFile.Share(path, descriptor) : null;

    /// <summary>The old supervisor's control socket, if we answer on the same path.</summary>
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

    private static bool IsOf(int descriptor, string path)
    {
        using var file = new SafeFileHandle(descriptor, ownsHandle: false);
        return ProcFs.IsSameFile(file, path);
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
