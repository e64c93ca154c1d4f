using System.Collections.Immutable;
using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Embedding;

/// <summary>An app that a host supervises, and its settings.</summary>
internal sealed record SupervisedApp(string App, ImmutableArray<string> Arguments, Action<GreenSupervisorOptions>? Configure)
{
    /// <summary>The plan, or what is wrong with it and the exit code for that.</summary>
    public (LaunchPlan? Plan, int ExitCode, IReadOnlyList<string> Problems) Plan()
    {
        var (input, settings) = Load();
        if (settings.Problems.Count > 0)
        {
            return (null, ExitCodes.Usage, settings.Problems);
        }

        var apps = new AppResolver(
            input.CurrentDirectory, DotnetHost.Find(Environment.ProcessPath, input.Variable), new CommandRunner(input.Environment));
        var resolution = apps.Resolve(App, Arguments);
        if (resolution.App is not { } command)
        {
            apps.Builds.Dispose();
            return (null, ExitCodes.AppNotStartable, [resolution.Error!]);
        }

        var (plan, problems) = LaunchPlanner.Plan(
            settings, input, command, commands => apps.Resolve(App, Arguments, commands));
        if (plan is null)
        {
            apps.Builds.Dispose();
        }

        return (plan, ExitCodes.Usage, problems);
    }

    /// <summary>How long the supervisor may take to stop its workers; the host must wait at least that long.</summary>
    public TimeSpan GracefulTimeout => Load().Settings.Options.GracefulTimeout;

    private (SettingsInput Input, LoadedSettings Settings) Load()
    {
        var directory = Environment.CurrentDirectory;
        var path = Path.GetFullPath(App, directory);
        var input = new SettingsInput
        {
            AppArguments = Arguments,
            Environment = Self.Variables(),
            CurrentDirectory = directory,
            AppDirectory = Directory.Exists(path) ? path : Path.GetDirectoryName(path),
            Configure = Configure,
        };
        return (input, SettingsLoader.Load(input));
    }
}
