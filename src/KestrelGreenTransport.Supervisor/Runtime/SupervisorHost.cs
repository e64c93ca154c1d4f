using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Init;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Runs a plan to its end.</summary>
internal static class SupervisorHost
{
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(5);

    /// <summary>Binds, launches, watches; returns the exit code once every worker is gone. Runs on the calling thread.</summary>
    public static int Run(LaunchPlan plan) => Run(plan, running: null);

    /// <summary>The same inside a host, which handles the signals itself and posts events instead.</summary>
    /// <param name="plan">What to run.</param>
    /// <param name="running">Gets the function that posts events, once the loop takes them.</param>
    public static int RunEmbedded(LaunchPlan plan, Action<Action<SupervisorEvent>> running) => Run(plan, running);

    private static int Run(LaunchPlan plan, Action<Action<SupervisorEvent>>? running)
    {
        using var builds = plan.App.Project?.Builds;
        var time = TimeProvider.System;
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
            if (refused is not null)
            {
                throw refused;
            }

            Descriptor.KeepAllToOurselves();
            using var supervisor = new Composition(plan, writer, format, output, time, handlesSignals: running is null);
            running?.Invoke(supervisor.Loop.Post);
            return Run(supervisor);
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

    private static int Run(Composition supervisor)
    {
        int exitCode;
        try
        {
            exitCode = supervisor.Loop.Run();
        }
        catch (Exception e)
        {
            SupervisorLog.Failed(supervisor.Logger, e);
            exitCode = ExitCodes.Unexpected;
        }

        supervisor.End(exitCode);
        return exitCode;
    }
}
