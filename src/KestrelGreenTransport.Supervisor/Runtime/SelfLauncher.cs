using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Decides whether this app becomes its own supervisor, and runs it.</summary>
internal static class SelfLauncher
{
    /// <summary>The supervisor's exit code; null means: continue as one process.</summary>
    public static Task<int?> TryRunAsync(string[] args, Action<GreenSupervisorOptions>? configure, SelfProcess process)
    {
        try
        {
            // This comes first: a worker must never supervise, whatever its settings say.
            if (process.IsWorker())
            {
                return Task.FromResult<int?>(null);
            }
        }
        catch (FormatException malformed)
        {
            return Refuse(process, [malformed.Message]);
        }

        if (SettingsLoader.IsOff(process.Environment.GetValueOrDefault(OwnVariables.Switch)))
        {
            return Task.FromResult<int?>(null);
        }

        var split = CommandLineSplit.Of(args);
        if (process.Origin == CallOrigin.HostedApp || process.IsDebugged)
        {
            // That is normal there, so nothing is logged unless options on the command line ask for a supervisor.
            return split.Given.Count == 0
                ? Task.FromResult<int?>(null)
                : StayOneProcess(process, $"{string.Join(", ", split.Given.Select(static given => given.Origin))}: ignored {(process.IsDebugged ? "under a debugger" : "because another program runs this app's Main")}.");
        }

        var app = OwnCommand(process, split.AppArguments).App!;
        var input = new SettingsInput
        {
            CommandLine = split.Given,
            AppArguments = split.AppArguments,
            Environment = process.Environment,
            CurrentDirectory = process.CurrentDirectory,
            AppDirectory = Path.GetDirectoryName(app.DisplayPath),
            Configure = configure,
        };
        var settings = SettingsLoader.Load(input);
        if (!settings.Configured && split.Problems.Count == 0)
        {
            return Task.FromResult<int?>(null);
        }

        if (!process.IsLinux)
        {
            return StayOneProcess(process, "the supervisor needs Linux; here the app runs as one process.");
        }

        if (process.Origin == CallOrigin.UnknownMain)
        {
            return StayOneProcess(process, "TryRunAsync was called by a library, but not directly from Main, so the app runs as one process. Call it in Program.cs, or in the library before its first await.");
        }

        // dotnet watch changes the code of the process that it started, which would be the supervisor.
        if (process.Environment.GetValueOrDefault("DOTNET_WATCH") == "1")
        {
            return StayOneProcess(process, "under dotnet watch the app runs as one process. For several workers that reload on each change: green run --watch.");
        }

        foreach (var warning in settings.Warnings)
        {
            process.Error.WriteLine($"green: {warning}");
        }

        var (plan, problems) = LaunchPlanner.Plan(settings, input, app, _ => OwnCommand(process, split.AppArguments));
        return plan is null || split.Problems.Count > 0
            ? Refuse(process, [.. split.Problems, .. problems])
            : RunOnThread(plan, process.Run);
    }

    private static Task<int?> StayOneProcess(SelfProcess process, string why)
    {
        process.Error.WriteLine($"green: {why}");
        return Task.FromResult<int?>(null);
    }

    private static Task<int?> Refuse(SelfProcess process, IEnumerable<string> problems)
    {
        foreach (var problem in problems)
        {
            process.Error.WriteLine($"green: {problem}");
        }

        return Task.FromResult<int?>(ExitCodes.Usage);
    }

    // The supervisor blocks its thread until it exits, and must not depend on a thread pool.
    private static Task<int?> RunOnThread(LaunchPlan plan, Func<LaunchPlan, int> run)
    {
        var done = new TaskCompletionSource<int?>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                done.SetResult(run(plan));
            }
            catch (Exception unexpected)
            {
                done.SetException(unexpected);
            }
        })
        { Name = "green supervisor", IsBackground = false }.Start();
        return done.Task;
    }

    private static AppResolution OwnCommand(SelfProcess process, IReadOnlyList<string> arguments)
    {
        var managed = Path.GetFullPath(process.ManagedFile, process.CurrentDirectory);
        var command = process.Executable is { } executable && !DotnetHost.Is(executable)
            ? new AppCommand(RealPath.OfFile(executable), [.. arguments], executable)
            : new AppCommand(process.Executable ?? "dotnet", [RealPath.OfFile(managed), .. arguments], managed);
        return new AppResolution(command with { WorkingDirectory = RealPath.Of(process.CurrentDirectory) }, null);
    }
}
