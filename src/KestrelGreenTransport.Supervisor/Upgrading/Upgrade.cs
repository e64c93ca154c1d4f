using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Workers;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Upgrading;

// No listening socket is closed, and no worker of ours is touched, before the successor's workers serve.
// A successor that fails costs nothing: this supervisor continues as if no upgrade had been requested.
// After the handover this process owns only its workers, and exits with the last of them.
// The successor learns which worker is to lead before that worker does, so that it knows which one to wait for if we are killed.

/// <summary>The old supervisor's side of an upgrade: starts this program again, whatever version it is by now, and makes way for it.</summary>
internal sealed class Upgrade(
    LaunchPlan plan, Handover handover, WorkThread work, SupervisorLoop loop, PreviousSupervisor? previous, TimeProvider time, ILogger logger)
    : ISupervisorPart, IDisposable
{
    private const int FirstDescriptor = 3;

    // From its first worker's boot to its last one's, and once more for the supervisor itself.
    private const int BootTimeouts = 2;

    private WorkerProcess? _leader;
    private PidFd? _successor;
    private UpgradeChannel? _channel;
    private bool _isStarting;
    private bool _isHandingOver;
    private bool _isHandedOver;
    private bool _gaveLead;
    private bool _wasEnded;
    private long _deadline;

    /// <summary>Whether a successor is coming up.</summary>
    public bool IsUnderWay => _isStarting || _successor is not null;

    public void OnUpgradeRequested()
    {
        if (IsUnderWay)
        {
            // The clients that asked for either wait for the end of this one.
            SupervisorLog.UpgradeIgnored(logger, "another upgrade is in progress");
        }
        else if (loop.State.Stop is not null || handover.Listeners.AreClosing)
        {
            Ignore("the supervisor is stopping");
        }
        else if (!loop.State.EverServed)
        {
            Ignore("no worker has been ready yet");
        }
        else if (previous is { IsInForce: true })
        {
            Ignore("the previous supervisor has not handed over yet");
        }
        else
        {
            try
            {
                var (ours, theirs) = Descriptor.SeqPacketPair();
                _channel = new UpgradeChannel(ours);
                TellLeader();
                _isStarting = true;
                work.Do(() => Start(theirs));
            }
            catch (IOException e)
            {
                NotStarted(e.Message);
            }
        }
    }

    public void OnAppointing(WorkerProcess worker)
    {
        _leader = worker;
        TellLeader();
    }

    public void OnExited(WorkerProcess worker)
    {
        if (_leader == worker)
        {
            _leader = null;
        }
    }

    public void OnState(SupervisorState state)
    {
        if (_isHandedOver && !_gaveLead && state is { Stop: not null, HasLead: true, Leader: null })
        {
            _gaveLead = true;
            _ = _channel!.Send(UpgradeChannel.Lead);
        }
    }

    public void OnTick(SupervisorState state)
    {
        if (_successor is not { } successor || _isHandingOver)
        {
            return;
        }

        // First, because one that was ready may be gone since, or on its way.
        if (successor.Reap() is { } status)
        {
            var how = SupervisorLog.Describe(status);
            SupervisorLog.UpgradeFailed(logger, successor.Pid, how);
            Forget($"supervisor {successor.Pid} {how}");
        }
        else if (!_wasEnded && state.Stop is null && _channel!.Receive(out _) == UpgradeChannel.Ready)
        {
            HandOver(successor.Pid);
        }
        else if ((state.Stop is not null || time.GetTimestamp() >= _deadline) && !_wasEnded)
        {
            _wasEnded = true;
            _deadline = time.GetTimestamp() + Nanoseconds.Of(plan.Options.BootTimeout);
            _ = successor.Signal(Signals.SIGTERM);
        }
        else if (_wasEnded && time.GetTimestamp() >= _deadline)
        {
            // It may be stopped, or hang. Clients wait for the end of this upgrade.
            _ = successor.Signal(Signals.SIGKILL);
        }
    }

    public void Dispose()
    {
        _channel?.Dispose();
        _successor?.Dispose();
    }

    private void Start(Descriptor channel)
    {
        try
        {
            Spawned spawned;
            using (channel)
            {
                spawned = Spawn.Start(Request(channel));
            }

            var successor = spawned.Process ?? throw new IOException($"{Self.Program}: {spawned.Error}");
            loop.PostAction(() => Started(successor));
        }
        catch (IOException e)
        {
            loop.PostAction(() =>
            {
                _isStarting = false;
                NotStarted(e.Message);
            });
        }
    }

    private void TellLeader()
    {
        var leader = previous is { HasLead: true } before ? before.Leader : loop.State.Leader is null ? null : _leader?.Process.Number;
        if (_channel?.Send(UpgradeChannel.Leads, leader) is { Error: Errno.EAGAIN })
        {
            // It has left hundreds of messages unread. A successor that does not know which worker leads must not outlive us.
            _ = _successor?.Signal(Signals.SIGKILL);
        }
    }

    private SpawnRequest Request(Descriptor channel)
    {
        var descriptors = new List<(int Ours, int Theirs)> { (1, 1), (2, 2) };
        var package = new UpgradePackage(
            Place(channel.Number),
            (Place(handover.Control.Number), handover.Control.Path),
            handover.PidFile is { } file ? Place(file.Number) : null,
            handover.Name is { } name ? Place(name.Number) : null,
            [.. handover.Listeners.All.Where(static listener => listener.Key is not null).Select(listener => (listener.Key!, Place(listener.Descriptor)))]);
        var variables = new Dictionary<string, string>(Self.Variables()) { [OwnVariables.Upgrade] = package.ToString() };
        foreach (var variable in (ReadOnlySpan<string>)[ContractVariables.ListenFds, ContractVariables.ListenPid, ContractVariables.ListenFdNames, "WATCHDOG_PID"])
        {
            variables.Remove(variable);
        }

        if (handover.Init is { } init)
        {
            variables[OwnVariables.Init] = init.PlaceIn(descriptors, FirstDescriptor + descriptors.Count - 2);
        }

        return new SpawnRequest
        {
            FileName = Self.Program,
            Arguments = Self.Arguments,
            Environment = variables,
            Descriptors = descriptors,

            // The terminal's Ctrl+C must reach the successor too.
            OwnSession = false,
        };

        int Place(int ours)
        {
            var theirs = FirstDescriptor + descriptors.Count - 2;
            descriptors.Add((ours, theirs));
            return theirs;
        }
    }

    private void Started(PidFd successor)
    {
        _isStarting = false;
        _successor = successor;
        _deadline = time.GetTimestamp() + Nanoseconds.Of((BootTimeouts * plan.Options.BootTimeout) + plan.Options.WarmUpTime);
        SupervisorLog.Upgrading(logger, successor.Pid);
    }

    private void HandOver(int pid)
    {
        _isHandingOver = true;

        // While this supervisor still answers: clients that wait are told.
        loop.Apply(new UpgradeEnded(null));
        work.Do(() =>
        {
            handover.LetGo();
            loop.PostAction(() =>
            {
                handover.Service?.HandOverTo(pid);
                _ = _channel!.Send(UpgradeChannel.Yours);
                _isHandedOver = true;
                SupervisorLog.HandedOver(logger, pid);
                loop.Post(new StopRequested(StopKind.Graceful));
            });
        });
    }

    private void Ignore(string why)
    {
        SupervisorLog.UpgradeIgnored(logger, why);
        loop.Queue(new UpgradeEnded(why));
    }

    private void NotStarted(string why)
    {
        SupervisorLog.UpgradeNotStarted(logger, why);
        Forget(why);
    }

    private void Forget(string why)
    {
        _channel?.Dispose();
        _successor?.Dispose();
        _channel = null;
        _successor = null;
        _wasEnded = false;
        loop.Queue(new UpgradeEnded(why));
    }
}
