using System.Collections.Immutable;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Admin;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Telemetry;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Runs a plan to its end. What is acquired here in order is given back in the opposite one.</summary>
internal static class SupervisorHost
{
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(5);

    /// <summary>Binds, launches, watches; returns the exit code once every worker is gone. Runs on the calling thread.</summary>
    public static int Run(LaunchPlan plan) => Run(plan, TimeProvider.System);

    internal static int Run(LaunchPlan plan, TimeProvider time)
    {
        var format = LogFormat.Of(plan.Options.LogFormat);
        using var writer = new OutputWriter(text => format.OfNote(time.GetUtcNow(), text));
        var output = new SupervisorOutput(writer, format, time);
        try
        {
            return Run(plan, time, writer, format, output);
        }
        catch (StartupException e)
        {
            output.Note($"error: {e.Message}");
            return e.ExitCode;
        }
        finally
        {
            writer.Flush(FlushLimit);
        }
    }

    private static int Run(LaunchPlan plan, TimeProvider time, OutputWriter writer, LogFormat format, SupervisorOutput output)
    {
        Descriptor.KeepAllToOurselves();
        var journal = new Journal(time);
        var logger = new SupervisorLogger(writer, format, journal, time);
        var reporter = new NoticeReporter(logger, output, journal);
        var heartbeatPath = HeartbeatDirectory.PathFor(plan.Name, Environment.GetEnvironmentVariable, Libc.geteuid());
        var controlPath = plan.Options.Control ?? ControlPaths.Socket(ControlPaths.Directory(), plan.Name);

        using var heartbeats = HeartbeatDirectory.Create(heartbeatPath, plan.Name);
        using var board = heartbeats.CreateBoard();
        using var listeners = new ListenerSet(ListenerBinder.Bind(plan));
        using var work = new WorkThread();
        using var control = ControlSocket.Bind(controlPath);
        Banner.Write(output, plan, listeners.Given, heartbeats, controlPath);

        int exitCode;
        using (var pump = new OutputPump(writer, format, journal, time))
        {
            var generations = new Generations(plan);
            using var launcher = new WorkerLauncher(generations, listeners.Given, heartbeats, pump);
            using var preparer = new GenerationPreparer(generations, logger);
            using var loop = new SupervisorLoop(
                InitialState(plan), launcher, preparer, heartbeats, InodesOf(listeners.Given), reporter, logger, time);
            loop.Parts.Add(new BindBroker(plan, listeners, work, loop.PostAction, logger));
            loop.Parts.Add(new WorkerMeter(board, loop.Post));
            var status = new StatusBuilder(plan, listeners, board, time);
            var figures = new FiguresSource(status, loop, time);
            using var server = new ControlServer(
                control, loop.Post, () => figures.Now().Status, ControlQuestions.Of(journal, figures.Now, () => loop.State), logger, time);
            using var meter = new SupervisorMeter(figures.Now);
            using var admin = plan.Admin is null ? null : AdminEndpoint.Start(plan.Admin, figures, loop, journal, controlPath, time);
            using var signals = new SignalHandlers(loop);
            try
            {
                exitCode = loop.Run();
            }
            catch (Exception e)
            {
                SupervisorLog.Failed(logger, e);
                exitCode = ExitCodes.Unexpected;
            }
        }

        // Only now has the last line of the last worker been read.
        reporter.ReportAtTheEnd();
        SupervisorLog.Stopped(logger);
        return exitCode;
    }

    private static SupervisorState InitialState(LaunchPlan plan) => new()
    {
        Target = plan.Options.Workers,
        Random = (uint)Environment.ProcessId | 1,
        Settings = Generations.SettingsOf(plan),
    };

    private static ImmutableHashSet<string> InodesOf(ImmutableArray<BoundListener> listeners) =>
        [.. listeners.Select(static listener => listener.Inode)];
}
