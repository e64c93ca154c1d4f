using System.Collections.Immutable;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Supervisor.Building;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>Turns checked settings and an app's command into a plan.</summary>
internal static class LaunchPlanner
{
    /// <summary>The plan, or null when something is wrong with it. Its <see cref="GreenSupervisorOptions.Control"/> is always set.</summary>
    /// <param name="settings">What was loaded.</param>
    /// <param name="input">What it was loaded from, and is loaded from again for each reload.</param>
    /// <param name="app">The command that starts a worker.</param>
    /// <param name="findAgain">Looks for the app once more; a project is built by what it is given.</param>
    public static (LaunchPlan? Plan, IReadOnlyList<string> Problems) Plan(
        LoadedSettings settings, SettingsInput input, AppCommand app, Func<ICommandRunner, AppResolution> findAgain)
    {
        var (plan, problems) = Draft(settings, input, app, findAgain);
        return problems.Count > 0 ? (null, problems) : (plan, problems);
    }

    /// <summary>The plan as far as it is known, even if something is wrong with it: for commands that show it and do not run it.</summary>
    public static (LaunchPlan Plan, IReadOnlyList<string> Problems) Draft(
        LoadedSettings settings, SettingsInput input, AppCommand app, Func<ICommandRunner, AppResolution> findAgain)
    {
        var problems = new List<string>(settings.Problems);
        var binds = Binds(settings, input, problems);

        var name = settings.Options.Name ?? NameOf(app.DisplayPath);
        var control = settings.Options.Control is { } path
            ? Path.GetFullPath(path, input.CurrentDirectory)
            : ControlPaths.Socket(ControlPaths.Directory(input.Variable, Libc.geteuid()), name);
        if (!ControlPaths.Fits(control))
        {
            problems.Add($"The control socket's path {control} is longer than the kernel's limit of {ControlPaths.LongestPath} bytes: give a shorter one with --control.");
        }

        var warmUp = WarmUpSource.Read(settings, input.CurrentDirectory, problems);
        var admin = AdminPlan.Of(settings, input.CurrentDirectory, problems);
        if (settings.Options.Chdir is { } chdir)
        {
            var folder = Path.GetFullPath(chdir, input.CurrentDirectory);
            app = app with { WorkingDirectory = folder };
            if (!Directory.Exists(folder))
            {
                problems.Add($"Chdir ('{chdir}') must be an existing folder.");
            }
        }

        if (settings.Options.Watch && app.Project is null)
        {
            problems.Add($"Watch needs an app that is built from source: name its project instead of {app.DisplayPath}, as in `green run --watch ./src/Shop`.");
        }

        settings.Options.PidFile = Absolute(settings.Options.PidFile);
        settings.Options.LogFile = Absolute(settings.Options.LogFile);

        settings.Options.Control = control;
        settings.Options.DumpOnStale = settings.Options.DumpOnStale is { } dumps ? Path.GetFullPath(dumps, input.CurrentDirectory) : null;
        return (new LaunchPlan
        {
            Options = settings.Options,
            App = app,
            Binds = settings.IsSet(SettingsCatalogue.Bind) ? [.. binds] : [],
            Named = Named(binds, settings, input),
            Name = name,
            WarmUp = warmUp,
            RecordedQuery = settings.Options.WarmUp.Select(WarmUpSource.QueryOf).LastOrDefault(static query => query is not null),
            Admin = admin,
            WorkerVariables = WorkerVariables(settings, input),
            Renew = commands =>
            {
                var found = findAgain(commands);
                return found.App is { } command ? Plan(SettingsLoader.Load(input), input, command, findAgain) : (null, [found.Error!]);
            },
        }, problems);

        string? Absolute(string? path) => path is null ? null : Path.GetFullPath(path, input.CurrentDirectory);
    }

    /// <summary>An app's name from its file: lower case, and only what a name may hold.</summary>
    public static string NameOf(string path)
    {
        var file = Path.GetFileName(path.TrimEnd('/'));
        var stem = Path.GetExtension(file) is ".dll" or ".csproj" or ".exe" ? Path.GetFileNameWithoutExtension(file) : file;
        var name = string.Concat(stem.ToLowerInvariant().Select(static c => SettingsCatalogue.IsName($"a{c}") ? c : '-')).TrimStart('.');
        return name.Length is >= 1 and <= 64 ? name : name.Length == 0 ? "app" : name[..64];
    }

    /// <summary>Where it will listen, as far as settings say: without <c>-b</c> the app may have endpoints of its own. What is wrong goes to <paramref name="problems"/>.</summary>
    public static IReadOnlyList<BindSpec> Binds(LoadedSettings settings, SettingsInput input, ICollection<string> problems)
    {
        var binds = settings.IsSet(SettingsCatalogue.Bind)
            ? Parse(settings.Options.Bind, input.CurrentDirectory)
            : DefaultBinds.Of(input, settings.ConfiguredUrls, problems);
        foreach (var problem in Twice(binds))
        {
            problems.Add(problem);
        }

        return binds;
    }

    // Kestrel's own section comes before any url; both are named. What is wrong with it Kestrel says itself.
    private static ImmutableArray<ListenEndpoint> Named(IReadOnlyList<BindSpec> binds, LoadedSettings settings, SettingsInput input)
    {
        var ofKestrel = settings.IsSet(SettingsCatalogue.Bind)
            ? []
            : DefaultBinds.OfKestrel(AppConfiguration.Whole(input, []), input.CurrentDirectory, []);
        return [.. binds.Concat(ofKestrel).OfType<BindEndpoint>().Select(static bind => bind.Endpoint)];
    }

    private static List<BindSpec> Parse(IEnumerable<string> binds, string currentDirectory)
    {
        var all = new List<BindSpec>();
        foreach (var text in binds)
        {
            // Settings with problems are never planned; a wrong address is one.
            if (BindParser.TryParse(text, currentDirectory, out var specs, out _))
            {
                all.AddRange(specs);
            }
        }

        return all;
    }

    private static IEnumerable<string> Twice(IReadOnlyList<BindSpec> binds) =>
        from bind in binds
        let key = bind switch
        {
            BindEndpoint { Endpoint.IP.Port: 0 } => null,
            BindEndpoint endpoint => endpoint.Endpoint.ToString(),
            BindDescriptor descriptor => $"fd://{descriptor.Descriptor}",
            _ => "systemd",
        }
        where key is not null
        group bind.Text by key into same
        where same.Count() > 1
        select $"Bind names {same.Key} twice ({string.Join(" and ", same)}): one is enough.";

    // The worker's own section GreenTransport must be able to win over our defaults, so only settings that are set are
    // passed on. GracefulTimeout always is: the supervisor kills by it, and a worker that used a longer one would lose requests.
    private static ImmutableDictionary<string, string> WorkerVariables(LoadedSettings settings, SettingsInput input) =>
        SettingsCatalogue.All
            .Where(setting => setting.IsTransport && (settings.IsSet(setting) || setting == SettingsCatalogue.GracefulTimeout))
            .ToImmutableDictionary(static setting => setting.Variable, setting => Value(setting, setting.Read(settings.Options)[^1], input));

    // Workers may start in another folder than the one that a path was written for.
    private static string Value(Setting setting, string value, SettingsInput input) =>
        setting == SettingsCatalogue.AccessLog && AccessLogPlace.IsFile(value) ? Path.GetFullPath(value, input.CurrentDirectory) : value;
}
