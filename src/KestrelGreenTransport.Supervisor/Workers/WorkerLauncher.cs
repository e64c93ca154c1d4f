using System.Collections.Concurrent;
using System.Globalization;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Privileges;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// Launches workers from a thread of its own: posix_spawn waits until the child has run exec, and a child inherits the
/// processor affinity of the thread that makes it.
/// </summary>
internal sealed class WorkerLauncher : IWorkerLauncher, IDisposable
{
    private const int FirstListener = 3;

    private readonly Generations _generations;
    private readonly HeartbeatDirectory _heartbeats;
    private readonly OutputPump _pump;
    private readonly WorkerIdentity? _identity;
    private readonly IReadOnlyList<int> _processors = ThreadAffinity.Read(ThreadAffinity.Caller);
    private readonly BlockingCollection<Request> _requests = [];
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

    /// <inheritdoc/>
    public void Launch(int index, long generation, Action<LaunchOutcome> done) => _requests.Add(new Request(index, generation, done));

    /// <inheritdoc/>
    public void Forget(int index) => _heartbeats.RemoveWorkerFile(index);

    public void Dispose()
    {
        _requests.CompleteAdding();
        _thread.Join();
        _requests.Dispose();
    }

    private void Run()
    {
        foreach (var (index, generation, done) in _requests.GetConsumingEnumerable())
        {
            LaunchOutcome outcome;
            try
            {
                outcome = Launch(index, generation);
            }
            catch (IOException e)
            {
                outcome = new LaunchOutcome(null, e.Message);
            }

            if (outcome.Process is null)
            {
                _heartbeats.RemoveWorkerFile(index);
            }

            done(outcome);
        }
    }

    private LaunchOutcome Launch(int index, long generation)
    {
        var (plan, listeners) = _generations[generation];
        if (Exhaustion.Shortage() is { } shortage)
        {
            return new LaunchOutcome(null, $"cannot start {plan.App.FileName}: {shortage}");
        }

        // What is made for a worker that does not come to be is gone when this returns or throws.
        using var kept = new Disposables();
        using var passed = new Disposables();
        var (beatPath, beatFile) = _heartbeats.CreateWorkerFile(index);
        kept.Add(beatFile);
        var (ours, theirs) = Both(Descriptor.SeqPacketPair());
        var (outRead, outWrite) = Both(Descriptor.Pipe());
        var (errorRead, errorWrite) = Both(Descriptor.Pipe());
        (Descriptor Read, Descriptor Write)? access = plan.WorkerVariables.GetValueOrDefault(SettingsCatalogue.AccessLog.Variable) == AccessLogPlace.StandardOutput
            ? Both(Descriptor.Pipe())
            : null;

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
        if (access is not null)
        {
            descriptors.Add((access.Value.Write.Number, lifelineTarget + 1));
            contract[ContractVariables.AccessLogFd] = (lifelineTarget + 1).ToString(CultureInfo.InvariantCulture);
        }

        if (!plan.ExplicitBinds)
        {
            contract[ContractVariables.Broker] = "1";
        }

        if (plan.RecordedQuery is { } query)
        {
            contract[ContractVariables.RecordRoutes] = query;
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
            RunAs = _identity?.Credentials,
        });

        if (spawned.Process is not { Pid: var pid } process)
        {
            return new LaunchOutcome(null, $"cannot start {plan.App.FileName}: {spawned.Error}");
        }

        kept.Clear();
        _pump.Add(index, pid, OutputStream.Out, outRead);
        _pump.Add(index, pid, OutputStream.Error, errorRead);
        if (access is { } pipe)
        {
            _pump.Add(index, pid, OutputStream.Access, pipe.Read);
        }

        return new LaunchOutcome(new WorkerProcess(index, generation, process, ours, beatFile), null);

        (Descriptor Ours, Descriptor Theirs) Both((Descriptor Ours, Descriptor Theirs) pair)
        {
            kept.Add(pair.Ours);
            passed.Add(pair.Theirs);
            return pair;
        }
    }

    /// <summary>A process, or why there is none.</summary>
    internal readonly record struct LaunchOutcome(WorkerProcess? Process, string? Error);

    private sealed record Request(int Index, long Generation, Action<LaunchOutcome> Done);

    private sealed class Disposables : IDisposable
    {
        private readonly List<IDisposable> _all = [];

        public void Add(IDisposable one) => _all.Add(one);

        /// <summary>Gives them up: another owner disposes of them.</summary>
        public void Clear() => _all.Clear();

        public void Dispose() => _all.ForEach(static one => one.Dispose());
    }
}
