using System.Globalization;
using System.Text.RegularExpressions;
using FunctionalTests.Harness;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Faults;

/// <summary>
/// One fault done to one cluster: the load before and during it, the victims, and the checks at the end, which are the same
/// for all faults.
/// </summary>
internal sealed class FaultScene
{
    private readonly FaultCluster _cluster;
    private readonly Fault _fault;
    private readonly Dictionary<string, int> _alreadySaid = [];
    private readonly HashSet<int> _victims = [];

    private FaultScene(FaultCluster cluster, Fault fault, int seed, StatusDocument before)
    {
        _cluster = cluster;
        _fault = fault;
        Before = before;

        // The same seed gives each fault a different moment and victim, and the same ones in each run.
        Random = new Random(fault.Name.Aggregate(seed, static (hash, letter) => unchecked((hash * 31) + letter)));
    }

    /// <summary>Decides the moment, the victim and the load.</summary>
    public Random Random { get; }

    public GreenRun Green => _cluster.Green;

    public Target App => _cluster.App;

    public Target Front => _cluster.Front;

    public TemporaryFolder Folder => _cluster.Folder;

    public Releases Releases => _cluster.Releases!;

    /// <summary>The cluster's status before the fault.</summary>
    public StatusDocument Before { get; }

    public LoadClient Load { get; private set; } = null!;

    public static async Task<FaultResult> Play(FaultCluster cluster, Fault fault, string way, int seed)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var scene = new FaultScene(cluster, fault, seed, await cluster.Green.Serving(cluster.Setup.Workers));
        var problem = await scene.Play();
        var load = scene.Load.Report;
        return new FaultResult(
            fault.Name, way, seed, load.Begun, load.Lost, fault.CostsWhatTheVictimHeld ? scene.Clients : 0, fault.Reason ?? "", watch.Elapsed, problem);
    }

    private int Clients { get; set; }

    /// <summary>A worker that is serving; the fault may make it end.</summary>
    public WorkerStatus Victim()
    {
        var victim = Before.Workers[Random.Next(Before.Workers.Count)];
        _victims.Add(victim.Pid!.Value);
        return victim;
    }

    /// <summary>Whether workers that start during the fault may end, too.</summary>
    public bool NewOnesAreVictims { get; set; }

    /// <summary>All workers; the fault may make them end.</summary>
    public IReadOnlyList<WorkerStatus> EveryoneIsAVictim()
    {
        _victims.UnionWith(Before.Workers.Select(static worker => worker.Pid!.Value));
        return Before.Workers;
    }

    /// <summary>A connection to this worker.</summary>
    public Task<RawConnection> ConnectTo(WorkerStatus worker) => Balance.Connect(
        $"worker {worker.Index} takes a connection",
        () => RawConnection.To(App),
        async connection => await connection.Get("/pid") == $"{worker.Pid}");

    /// <summary>Sends a request to this worker without waiting for the answer.</summary>
    public async Task<RawConnection> Ask(WorkerStatus worker, string path)
    {
        var connection = await ConnectTo(worker);
        await connection.Send(path, keepAlive: true);
        return connection;
    }

    /// <summary>Waits until another process is serving in this one's place.</summary>
    public Task Replaced(WorkerStatus victim) => Green.Replaced(victim, Before);

    /// <summary>Waits until the log has said this that many times since the fault began.</summary>
    public async Task WaitForLog(string pattern, int times = 1) =>
        await Green.Process.Lines(pattern, _alreadySaid.GetValueOrDefault(pattern) + times);

    /// <summary>Every worker from before is still there: none was ended.</summary>
    public async Task NobodyWasEnded()
    {
        var now = await Green.Serving(Before.Workers.Count);
        Assert.Equal(Before.Workers.Select(static worker => worker.Pid).Order(), now.Workers.Select(static worker => worker.Pid).Order());
    }

    private async Task<string?> Play()
    {
        try
        {
            // nginx keeps connections for half a second.
            await NobodyIsConnected();
            var holdings = await FaultHoldings.Settled(Green, Before);
            if (_fault.Said is { } pattern)
            {
                _alreadySaid[pattern] = Green.Process.Output.Split('\n').Count(line => Regex.IsMatch(line, pattern));
            }

            Clients = Random.Next(2, 7);
            Load = LoadClient.Post(Front, Clients, pause: TimeSpan.FromMilliseconds(Random.Next(1, 15)));
            try
            {
                await Load.More(Random.Next(10, 200));
                await _fault.Strike(this);
                await Load.More(20);
            }
            finally
            {
                await Load.Stop();
            }

            CheckLosses();
            await CheckRecord();
            await NobodyIsConnected();
            var isOtherSupervisor = (await Green.Status()).SupervisorPid != Before.SupervisorPid;
            await FaultHoldings.AssertSame(holdings, Green, Before.Workers.Count, isOtherSupervisor);
            return null;
        }
        catch (Exception e)
        {
            return $"{e}\n{Green.Process.Describe()}";
        }
    }

    private Task<StatusDocument> NobodyIsConnected() => Green.StatusWhen(
        "every slot came back", static status => status.Workers.All(static worker => worker is { State: WorkerPhase.Serving, Connections: 0, RequestsInFlight: 0 }));

    private void CheckLosses()
    {
        Assert.Equal(Load.Report.Begun, Load.Report.Answered + Load.Report.Lost);
        Assert.True(Load.Report.Lost <= (_fault.CostsWhatTheVictimHeld ? Clients : 0), Load.ToString());
        if (_cluster.Nginx is null)
        {
            // Lost requests are the victim's: it had answered on that connection before, or no process had yet.
            Assert.All(Load.Report.Losses, loss => Assert.True(loss.Server is not { } server || _victims.Contains(server) || (NewOnesAreVictims && Before.Workers.All(worker => worker.Pid != server)), Load.ToString()));
        }
    }

    private async Task CheckRecord()
    {
        if (_fault.Said is { } said)
        {
            await WaitForLog(said);
        }

        if (_fault.Reason is { } reason)
        {
            var known = Before.Workers.Select(static worker => worker.Pid).ToHashSet();
            await Green.StatusWhen(
                $"the end of the victim is on record as '{reason}'",
                status => status.Workers.Any(worker => !known.Contains(worker.Pid) && worker.LastExit is { } exit && Describe(exit) == reason));
        }
    }

    private static string Describe(LastExitStatus exit) =>
        string.Join(' ', new[] { exit.Reason, exit.Signal ?? exit.ExitCode?.ToString(CultureInfo.InvariantCulture), exit.Verdict }.OfType<string>());
}
