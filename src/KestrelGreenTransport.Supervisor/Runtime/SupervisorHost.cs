using System.Collections.Immutable;
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

/// <summary>Runs a plan to its end. Resources are released in the opposite order of their acquisition.</summary>
internal static class SupervisorHost
{
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(5);

    /// <summary>Binds, launches, watches; returns the exit code once every worker is gone. Runs on the calling thread.</summary>
    public static int Run(LaunchPlan plan) => Run(plan, TimeProvider.System);

    /// <summary>The same inside a host, which handles the signals itself and posts events instead.</summary>
    /// <param name="plan">What to run.</param>
    /// <param name="running">Gets the function that posts events, once the loop takes them.</param>
    public static int RunEmbedded(LaunchPlan plan, Action<Action<SupervisorEvent>> running) => Run(plan, TimeProvider.System, running);

    private static int Run(LaunchPlan plan, TimeProvider time, Action<Action<SupervisorEvent>>? running = null)
    {
        using var builds = plan.App.Project?.Builds;
        var format = LogFormat.Of(plan.Options.LogFormat);
        LogFile? file = null;
        StartupException? refused = null;
        try
        {
            // Before anything is set up that a child would not need.
            if (running is null && InitProcess.IsNeeded)
            {
                return InitProcess.Run();
            }

            if (plan.Options.Umask is { } umask)
            {
                _ = Posix.umask((uint)umask);
            }

            file = plan.Options.LogFile is { } path ? LogFile.Open(path) : null;
        }
        catch (StartupException e)
        {
            refused = e;
        }

        using var writer = new OutputWriter(text => format.OfNote(time.GetUtcNow(), text), file: file);
        var output = new SupervisorOutput(writer, format, time);
        try
        {
            return refused is null ? Run(plan, time, writer, format, output, running) : throw refused;
        }
        catch (StartupException e)
        {
            output.Note($"error: {e.Message}");
            if (file is not null)
            {
                // The user who started green looks at the terminal first.
                Console.Error.WriteLine($"green: {e.Message}");
            }

            return e.ExitCode;
        }
        finally
        {
            writer.Flush(FlushLimit);
        }
    }

    private static int Run(LaunchPlan plan, TimeProvider time, OutputWriter writer, LogFormat format, SupervisorOutput output, Action<Action<SupervisorEvent>>? running)
    {
        Descriptor.KeepAllToOurselves();
        var journal = new Journal(time);
        var logger = new SupervisorLogger(writer, format, journal, time);
        var reporter = new NoticeReporter(logger, output, journal);
        var initial = InitialState(plan);
        Rehearsal.OfStart(initial);
        var identity = WorkerIdentity.Of(plan.Options, Libc.geteuid(), Posix.getegid());
        var heartbeatPath = HeartbeatDirectory.PathFor(plan.Name, Environment.GetEnvironmentVariable, Libc.geteuid());
        var folder = plan.Options.DumpOnStale is { } kept ? new DumpFolder(kept, plan.Name, identity) : null;
        if (folder?.WhyNot() is { } open)
        {
            throw new StartupException(ExitCodes.Usage, $"DumpOnStale ('{folder.Path}') cannot be used: {open}.");
        }

        var controlPath = plan.Options.Control ?? ControlPaths.Socket(ControlPaths.Directory(), plan.Name);
        using var previous = PreviousSupervisor.Find(logger);
        using var init = InitLink.Find();

        using var heartbeats = HeartbeatDirectory.Create(
            previous?.HeartbeatPath(heartbeatPath) ?? heartbeatPath, plan.Name, identity, logger);
        using var name = heartbeats.Path == heartbeatPath ? NameLock.Of(heartbeats) : previous!.NameAt(heartbeatPath);
        using var board = heartbeats.CreateBoard();
        using var pidFile = plan.Options.PidFile is { } path ? previous?.PidFileAt(path) ?? PidFile.Take(path) : null;
        using var stored = StoredSockets.Of(Environment.GetEnvironmentVariable, previous?.Sockets);
        using var listeners = new ListenerSet();
        if (previous is not null)
        {
            // The files of Unix sockets belong to the previous supervisor until it gives them up, even if this supervisor fails before.
            listeners.LetGo();
        }

        var binder = new ListenerBinder(listeners, stored);
        var given = binder.Bind(plan, isStart: true);
        using var service = ServiceManager.Of(Environment.GetEnvironmentVariable, listeners, stored, time);
        using var work = new WorkThread(logger);
        using var control = previous?.ControlAt(controlPath) ?? ControlSocket.Bind(controlPath);
        Banner.Write(output, plan, given, heartbeats, controlPath);

        using var hooks = new HookRunner(plan.Options, plan.Name, logger);
        hooks.Tell(new GreenHookEvent { Hook = GreenHook.Starting, To = plan.Options.Workers });
        int exitCode;
        using (var pump = new OutputPump(writer, format, journal, time))
        {
            var generations = new Generations(new Generation(plan, given));
            using var launcher = new WorkerLauncher(generations, heartbeats, pump, identity);
            using var preparer = new GenerationPreparer(generations, binder, identity, logger);
            using var dumper = new Dumper(heartbeats.WorkersPath, Path.GetTempPath(), identity?.Uid ?? Libc.geteuid(), logger, time);
            var hung = folder is null ? null : new HungDumps(dumper, folder, plan.Options.DumpKind);
            using var loop = new SupervisorLoop(
                initial with { HasLead = previous is null }, launcher, preparer, heartbeats, new Examiner(board, new OutOfMemoryWatch(), time), hung, hooks,
                InodesOf(given), reporter, logger, time);
            using var answering = new Answering();
            using var upgrade = new Upgrade(plan, new Handover(listeners, control, pidFile, name, service, init, answering.Dispose), work, loop, previous, time, logger);
            loop.Parts.Add(new BindBroker(generations, listeners, binder, stored, identity?.Credentials, work, loop.PostAction, logger));
            loop.Parts.Add(new WorkerMeter(board, loop.Post));
            var inFlight = new RequestsInFlight(loop.PostAction, loop.Tell, time);
            loop.Parts.Add(inFlight);
            loop.Parts.Add(upgrade);
            loop.Parts.Add(new QueuedClients(listeners, stored.IsOffered, () => upgrade.IsUnderWay, loop, logger, time));
            loop.Parts.Add(new GenerationSweep(generations, listeners, work, logger));
            loop.Parts.Add(new Rehearsal(initial));
            if (service is not null)
            {
                loop.Parts.Add(service);
            }

            var heat = new WorkerHeat(board);
            loop.Parts.Add(heat);
            var status = new StatusBuilder(plan, listeners, board, time, () => upgrade.IsUnderWay, heat);
            var figures = new FiguresSource(status, loop, time);
            var dumps = new DumpRequestHandler(dumper, folder, path => new DumpFolder(path, plan.Name, identity), () => loop.State, loop.Post);
            using var meter = new SupervisorMeter(figures.Now);
            if (previous is null)
            {
                RunAsSupervisor();
                ServeAdmin();
            }
            else
            {
                previous.TakenOver = () =>
                {
                    RunAsSupervisor();
                    work.Do(TryServeAdmin);
                };
                previous.LeadGiven = () => loop.Post(new LeadGiven());
                loop.Parts.Add(previous);
                service?.IsMuted = true;
            }

            using var watch = plan is { Options.Watch: true, App.Project: { } project } ? new SourceWatch(project.Sources, Changed, logger) : null;
            using var signals = running is null ? new SignalHandlers(loop, writer) : null;
            running?.Invoke(loop.Post);
            try
            {
                exitCode = loop.Run();
            }
            catch (Exception e)
            {
                SupervisorLog.Failed(logger, e);
                exitCode = ExitCodes.Unexpected;
            }

            void Changed(string file)
            {
                SupervisorLog.SourceChanged(logger, Path.GetFileName(file));
                loop.Post(new ReloadRequested());
            }

            void ServeAdmin()
            {
                if (plan.Admin is not null)
                {
                    answering.Begin(() => AdminEndpoint.Start(plan.Admin, figures.Now, () => loop.State, journal, controlPath, time));
                }
            }

            // A supervisor that is already serving does not end because another process took its admin address.
            void TryServeAdmin()
            {
                try
                {
                    ServeAdmin();
                }
                catch (StartupException e)
                {
                    output.Note($"error: {e.Message}");
                }
            }

            // From now on this supervisor alone answers on the control socket, holds the pid file and speaks for the service.
            void RunAsSupervisor()
            {
                listeners.TakeOver();
                control.TakeOver();
                pidFile?.TakeOver();
                name?.TakeOver();
                service?.IsMuted = false;
                init?.AnnounceSupervisor();
                answering.Begin(() => new ControlServer(
                    control, loop.Post, (request, named, ended) => loop.Post(request, named, end => ended(end, OperationText.Of(end, loop.State, plan.Name))), () => figures.Now().Status, ControlQuestions.Of(journal, figures.Now, () => loop.State, time),
                    new Dictionary<string, Action<ControlRequest, Action<ControlResponse>>> { ["dump"] = dumps.Handle, ["requests"] = inFlight.Ask }, logger, time));
            }
        }

        // Only now has the last line of the last worker been read.
        reporter.ReportAtTheEnd();
        SupervisorLog.Stopped(logger);
        hooks.Tell(new GreenHookEvent { Hook = GreenHook.Exit, ExitCode = exitCode });
        return exitCode;
    }

    private static SupervisorState InitialState(LaunchPlan plan) => new()
    {
        Target = plan.Options.Workers,
        Random = (uint)Environment.ProcessId | 1,
        Settings = GenerationPreparer.SettingsOf(plan),
    };

    private static ImmutableHashSet<string> InodesOf(ImmutableArray<BoundListener> listeners) =>
        [.. listeners.Select(static listener => listener.Inode)];
}
