using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Decides whether this app becomes a supervisor of itself, and becomes it.</summary>
internal static class SelfLauncher
{
    /// <summary>Null means: go on as one process.</summary>
    public static Task<int?> TryRunAsync(string[] args, Action<GreenSupervisorOptions>? configure, SelfProcess process)
    {
        try
        {
            // First of all: a worker must never supervise, whatever its settings say.
            if (process.IsWorker())
            {
                return Task.FromResult<int?>(null);
            }
        }
        catch (FormatException malformed)
        {
            return Refuse(process, [malformed.Message]);
        }

        if (!process.CallerIsEntry
            || process.IsDebugged
            || SettingsLoader.IsOff(process.Environment.GetValueOrDefault(OwnVariables.Switch)))
        {
            return Task.FromResult<int?>(null);
        }

        var split = CommandLineSplit.Of(args);
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
            process.Error.WriteLine("green: the supervisor needs Linux; the app runs here as one process.");
            return Task.FromResult<int?>(null);
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

    private static Task<int?> Refuse(SelfProcess process, IEnumerable<string> problems)
    {
        foreach (var problem in problems)
        {
            process.Error.WriteLine($"green: {problem}");
        }

        return Task.FromResult<int?>(ExitCodes.Usage);
    }

    // The supervisor blocks its thread for its whole life, and must not depend on a thread pool.
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
