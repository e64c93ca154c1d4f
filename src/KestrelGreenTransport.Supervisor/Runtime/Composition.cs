using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Admin;
using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Dumps;
using KestrelGreenTransport.Supervisor.Files;
using KestrelGreenTransport.Supervisor.Hooks;
using KestrelGreenTransport.Supervisor.Init;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Parts;
using KestrelGreenTransport.Supervisor.Privileges;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Systemd;
using KestrelGreenTransport.Supervisor.Telemetry;
using KestrelGreenTransport.Supervisor.Upgrading;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Composes a supervisor: what it holds while it lives, and then what runs. Released in the opposite order.</summary>
internal sealed class Composition : IDisposable
{
    private readonly Stack<IDisposable> _owned = new();
    private readonly int _held;
    private readonly LaunchPlan _plan;
    private readonly TimeProvider _time;
    private readonly SupervisorOutput _output;
    private readonly Journal _journal;
    private readonly NoticeReporter _reporter;
    private readonly HookRunner _hooks;
    private readonly Handover _handover;
    private readonly FiguresSource _figures;
    private readonly DumpRequestHandler _dumps;
    private readonly RequestsInFlight _inFlight;

    /// <exception cref="StartupException">Something that the plan asks for cannot be had.</exception>
    public Composition(LaunchPlan plan, OutputWriter writer, LogFormat format, SupervisorOutput output, TimeProvider time, bool handlesSignals)
    {
        (_plan, _output, _time) = (plan, output, time);
        _journal = new Journal(time);
        Logger = new SupervisorLogger(writer, format, _journal, time);
        _reporter = new NoticeReporter(Logger, output, _journal);
        try
        {
            var initial = new SupervisorState { Target = plan.Options.Workers, Random = (uint)Environment.ProcessId | 1, Settings = GenerationPreparer.SettingsOf(plan) };
            Rehearsal.OfStart(initial);
            var identity = WorkerIdentity.Of(plan.Options, Libc.geteuid(), Posix.getegid());
            var heartbeatPath = HeartbeatDirectory.PathFor(plan.Name, Environment.GetEnvironmentVariable, Libc.geteuid());
            var folder = FolderOf(plan, identity);
            var controlPath = plan.Options.Control ?? ControlPaths.Socket(ControlPaths.Directory(), plan.Name);
            var previous = Own(PreviousSupervisor.Find(Logger));
            var init = Own(InitLink.Find());
            var heartbeats = Own(HeartbeatDirectory.Create(previous?.HeartbeatPath(heartbeatPath) ?? heartbeatPath, plan.Name, identity, Logger));
            var name = Own(heartbeats.Path == heartbeatPath ? NameLock.Of(heartbeats) : previous!.NameAt(heartbeatPath));
            var board = Own(heartbeats.CreateBoard());
            var pidFile = Own(plan.Options.PidFile is { } path ? previous?.PidFileAt(path) ?? PidFile.Take(path) : null);
            var stored = Own(StoredSockets.Of(Environment.GetEnvironmentVariable, previous?.Sockets));
            var listeners = Own(new ListenerSet());
            if (previous is not null)
            {
                // The files of Unix sockets belong to the previous supervisor until it gives them up, even if this supervisor fails before.
                listeners.LetGo();
            }

            var binder = new ListenerBinder(listeners, stored);
            var given = binder.Bind(plan, isStart: true);
            var service = Own(ServiceManager.Of(Environment.GetEnvironmentVariable, listeners, stored, time));
            var work = Own(new WorkThread(Logger));
            var control = Own(previous?.ControlAt(controlPath) ?? ControlSocket.Bind(controlPath));
            Banner.Write(output, plan, given, heartbeats, controlPath);
            _hooks = Own(new HookRunner(plan.Options, plan.Name, Logger));
            _hooks.Tell(new GreenHookEvent { Hook = GreenHook.Starting, To = plan.Options.Workers });
            _held = _owned.Count;

            var pump = Own(new OutputPump(writer, format, _journal, time));
            var generations = new Generations(new Generation(plan, given));
            var launcher = Own(new WorkerLauncher(generations, heartbeats, pump, identity));
            var preparer = Own(new GenerationPreparer(generations, binder, identity, Logger));
            var dumper = Own(new Dumper(heartbeats.WorkersPath, Path.GetTempPath(), identity?.Uid ?? Libc.geteuid(), Logger, time));
            var examiner = new Examiner(board, new OutOfMemoryWatch(), given.Select(static listener => listener.Inode).ToHashSet(), time);
            var loop = Loop = Own(new SupervisorLoop(initial with { HasLead = previous is null }, launcher, preparer, examiner, _hooks, _reporter, Logger, time)
            {
                Dumps = folder is null ? null : new HungDumps(dumper, folder, plan.Options.DumpKind),
            });
            _handover = new Handover(listeners, control, pidFile, name, service, init, Own(new Answering()));
            var upgrade = Own(new Upgrade(plan, _handover, work, loop, previous, time, Logger));
            var heat = new WorkerHeat(board);
            _inFlight = new RequestsInFlight(loop.PostAction, loop.Tell, time);
            loop.Parts.AddRange(
            [
                new BindBroker(generations, listeners, binder, stored, identity?.Credentials, work, loop.PostAction, Logger),
                new WorkerMeter(board, loop.Post),
                _inFlight,
                upgrade,
                new QueuedClients(listeners, stored.IsOffered, () => upgrade.IsUnderWay, loop, Logger, time),
                new GenerationSweep(generations, listeners, work, Logger),
                new Rehearsal(initial),
                .. service is null ? Array.Empty<ISupervisorPart>() : [service],
                heat,
            ]);
            _figures = new FiguresSource(new StatusBuilder(plan, listeners, board, time, () => upgrade.IsUnderWay, heat), loop, time);
            _dumps = new DumpRequestHandler(dumper, folder, path => new DumpFolder(path, plan.Name, identity), () => loop.State, loop.Post);
            Own(new SupervisorMeter(_figures.Now));
            Begin(previous, work);
            Own(plan is { Options.Watch: true, App.Project: { } project } ? new SourceWatch(project.Sources, OnChanged, Logger) : null);
            Own(handlesSignals ? new SignalHandlers(loop, writer) : null);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public SupervisorLogger Logger { get; }

    public SupervisorLoop Loop { get; }

    /// <summary>After the loop: ends what ran, and says that it has ended.</summary>
    public void End(int exitCode)
    {
        Release(_held);

        // Only now has the last line of the last worker been read.
        _reporter.ReportAtTheEnd();
        SupervisorLog.Stopped(Logger);
        _hooks.Tell(new GreenHookEvent { Hook = GreenHook.Exit, ExitCode = exitCode });
    }

    public void Dispose() => Release(0);

    private static DumpFolder? FolderOf(LaunchPlan plan, WorkerIdentity? identity)
    {
        var folder = plan.Options.DumpOnStale is { } kept ? new DumpFolder(kept, plan.Name, identity) : null;
        return folder?.WhyNot() is { } open
            ? throw new StartupException(ExitCodes.Usage, $"DumpOnStale ('{folder.Path}') cannot be used: {open}.")
            : folder;
    }

    private T Own<T>(T part)
        where T : IDisposable?
    {
        if (part is not null)
        {
            _owned.Push(part);
        }

        return part;
    }

    private void Release(int kept)
    {
        if (_owned.Count > kept)
        {
            try
            {
                _owned.Pop().Dispose();
            }
            finally
            {
                Release(kept);
            }
        }
    }

    private void Begin(PreviousSupervisor? previous, WorkThread work)
    {
        if (previous is null)
        {
            RunAsSupervisor();
            ServeAdmin();
            return;
        }

        previous.TakenOver = () =>
        {
            RunAsSupervisor();
            work.Do(TryServeAdmin);
        };
        previous.LeadGiven = () => Loop.Post(new LeadGiven());
        Loop.Parts.Add(previous);
        _handover.Service?.IsMuted = true;
    }

    private void OnChanged(string file)
    {
        SupervisorLog.SourceChanged(Logger, Path.GetFileName(file));
        Loop.Post(new ReloadRequested());
    }

    private void ServeAdmin()
    {
        if (_plan.Admin is not null)
        {
            _handover.Answering.Begin(() => AdminEndpoint.Start(_plan.Admin, _figures.Now, () => Loop.State, _journal, _handover.Control.Path, _time));
        }
    }

    // A supervisor that is already serving does not end because another process took its admin address.
    private void TryServeAdmin()
    {
        try
        {
            ServeAdmin();
        }
        catch (StartupException e)
        {
            _output.Note($"error: {e.Message}");
        }
    }

    // From now on this supervisor alone answers on the control socket, holds the pid file and speaks for the service.
    private void RunAsSupervisor()
    {
        _handover.TakeOver();
        _handover.Answering.Begin(() => new ControlServer(
            _handover.Control, Loop.Post, Operate, () => _figures.Now().Status, ControlQuestions.Of(_journal, _figures.Now, () => Loop.State, _time),
            new Dictionary<string, Action<ControlRequest, Action<ControlResponse>>> { ["dump"] = _dumps.Handle, ["requests"] = _inFlight.Ask }, Logger, _time));

        void Operate(SupervisorEvent request, Action<long> named, Action<EndOperation, string> ended) =>
            Loop.Post(request, named, end => ended(end, OperationText.Of(end, Loop.State, _plan.Name)));
    }
}
