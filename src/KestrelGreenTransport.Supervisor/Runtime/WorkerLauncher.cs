using System.Collections.Concurrent;
using System.Globalization;
using KestrelGreenTransport.AccessLogging;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>
/// Launches workers from a thread of its own: posix_spawn waits until the child has run exec, and a child inherits the
/// credentials and the processor affinity of the thread that makes it.
/// </summary>
internal sealed class WorkerLauncher : IDisposable
{
    private const int FirstListener = 3;

    private readonly Generations _generations;
    private readonly HeartbeatDirectory _heartbeats;
    private readonly OutputPump _pump;
    private readonly WorkerIdentity? _identity;
    private readonly IReadOnlyList<int> _processors = ThreadAffinity.Read(ThreadAffinity.Caller);
    private readonly BlockingCollection<(int Index, long Generation, Action<Outcome> Done)> _requests = [];
    private readonly Thread _thread;

    public WorkerLauncher(Generations generations, HeartbeatDirectory heartbeats, OutputPump pump, WorkerIdentity? identity)
    {
        _generations = generations;
        _heartbeats = heartbeats;
        _pump = pump;
        _identity = identity;
        _thread = new Thread(Run) { IsBackground = true, Name = "green-spawn" };
        _thread.Start();
    }

    /// <summary>Launches a worker; <paramref name="done"/> is called on the launcher's thread.</summary>
    public void Launch(int index, long generation, Action<Outcome> done) => _requests.Add((index, generation, done));

    public void Dispose()
    {
        _requests.CompleteAdding();
        _thread.Join();
        _requests.Dispose();
    }

    private void Run()
    {
        string? refused = null;
        try
        {
            if (_identity is { } identity)
            {
                ThreadCredentials.Become(identity.Uid, identity.Gid, identity.Groups.AsSpan());
            }
        }
        catch (NativeException e)
        {
            // Nobody is ever started as somebody else than was asked for.
            refused = $"cannot become {_identity}: {e.Message}";
        }

        foreach (var (index, generation, done) in _requests.GetConsumingEnumerable())
        {
            Outcome outcome;
            try
            {
                outcome = refused is null ? Launch(index, generation) : new Outcome(null, refused);
            }
            catch (IOException e)
            {
                outcome = new Outcome(null, e.Message);
            }

            done(outcome);
        }
    }

    private Outcome Launch(int index, long generation)
    {
        var (plan, listeners) = _generations[generation];
        var (beatPath, beatFile) = _heartbeats.CreateWorkerFile(index);
        var (ours, theirs) = Descriptor.SeqPacketPair();
        var (outRead, outWrite) = Descriptor.Pipe();
        var (errorRead, errorWrite) = Descriptor.Pipe();
        using var afterSpawn = new Disposables(theirs, outWrite, errorWrite);
        (Descriptor Read, Descriptor Write)? access = plan.WorkerVariables.GetValueOrDefault(SettingsCatalogue.AccessLog.Variable) == AccessLog.StandardOutput
            ? Descriptor.Pipe()
            : null;
        using var accessWrite = access?.Write;

        var descriptors = new List<(int, int)> { (outWrite.Number, 1), (errorWrite.Number, 2) };
        var inherited = new List<InheritedListener>();
        foreach (var listener in listeners)
        {
            var target = FirstListener + inherited.Count;
            descriptors.Add((listener.Descriptor, target));
            inherited.Add(new InheritedListener(target, listener.Endpoint));
        }

        var lifelineTarget = FirstListener + inherited.Count;
        descriptors.Add((theirs.Number, lifelineTarget));

        var contract = new Dictionary<string, string>
        {
            [ContractVariables.Worker] = index.ToString(CultureInfo.InvariantCulture),
            [ContractVariables.Generation] = generation.ToString(CultureInfo.InvariantCulture),
            [ContractVariables.Listen] = InheritedListener.Format(inherited),
            [ContractVariables.ControlFd] = lifelineTarget.ToString(CultureInfo.InvariantCulture),
            [ContractVariables.HeartbeatFile] = beatPath,
            [ContractVariables.HeartbeatInterval] = Duration.Format(plan.Options.EffectiveHeartbeatInterval),
            [ContractVariables.BoardFile] = _heartbeats.BoardPath,
            [ContractVariables.Gate] = ContractVariables.Closed,
        };
        if (accessWrite is not null)
        {
            descriptors.Add((accessWrite.Number, lifelineTarget + 1));
            contract[ContractVariables.AccessLogFd] = (lifelineTarget + 1).ToString(CultureInfo.InvariantCulture);
        }

        if (!plan.ExplicitBinds)
        {
            contract[ContractVariables.Broker] = "1";
        }

        if (plan.Options.RequestTimeout is { } limit)
        {
            contract[ContractVariables.RequestTimeout] = Duration.Format(limit);
        }

        if (plan.Options.CpuAffinity is { } affinity)
        {
            _ = ThreadAffinity.Tie(ThreadAffinity.Caller, CpuShare.Of(affinity, index, plan.Options.Workers, _processors));
        }

        var spawned = Spawn.Start(new SpawnRequest
        {
            FileName = plan.App.FileName,
            Arguments = plan.App.Arguments,
            WorkingDirectory = plan.App.WorkingDirectory,
            Descriptors = descriptors,
            Environment = WorkerEnvironment.For(plan, contract, _identity),
        });

        if (!spawned.Ok)
        {
            foreach (var handle in (IEnumerable<IDisposable?>)[ours, outRead, errorRead, access?.Read, beatFile])
            {
                handle?.Dispose();
            }

            return new Outcome(null, $"cannot start {plan.App.FileName}: {spawned.Message}");
        }

        var pid = (int)spawned.Value;
        _pump.Add(index, pid, OutputStream.Out, outRead);
        _pump.Add(index, pid, OutputStream.Error, errorRead);
        if (access is { } pipe)
        {
            _pump.Add(index, pid, OutputStream.Access, pipe.Read);
        }

        return new Outcome(new WorkerProcess(index, generation, PidFd.Open(pid), ours, beatFile), null);
    }

    /// <summary>A process, or why there is none.</summary>
    internal readonly record struct Outcome(WorkerProcess? Process, string? Error);

    private sealed class Disposables(params IDisposable[] all) : IDisposable
    {
        public void Dispose()
        {
            foreach (var one in all)
            {
                one.Dispose();
            }
        }
    }
}
