using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// Reads every source and decides: command line, then <c>GREEN_*</c>, then <c>green.json</c>, then the app's
/// configuration, then the lambda in code, then the default. A list is taken whole from the strongest source that has it.
/// </summary>
internal static class SettingsLoader
{
    public const string GreenJson = "green.json";

    /// <summary>Names the schema in a JSON file; no setting.</summary>
    public const string SchemaKey = "$schema";

    /// <summary>Whether the switch forbids a supervisor.</summary>
    public static bool IsOff(string? switchValue) =>
        switchValue is "0" || "false".Equals(switchValue, StringComparison.OrdinalIgnoreCase);

    public static LoadedSettings Load(SettingsInput input)
    {
        var problems = new List<string>();
        var app = AppConfiguration.Read(input, problems);
        var greenJson = ReadGreenJson(input, problems);
        var environment = ReadEnvironment(input);

        var options = new GreenSupervisorOptions();
        var inCode = SetInCode(input, options);
        SettingValue[] sources =
        [
            .. input.CommandLine,
            .. environment,
            .. greenJson?.Read(problems) ?? [],
            .. app.Layers.SelectMany(layer => layer.Read(problems)),
            .. inCode,
        ];
        return Resolve(sources, options, problems) with
        {
            Warnings = [.. LookAlikes(input.Environment.Keys)],
            Configured = input.CommandLine.Count > 0
                || environment.Any(static value => !value.Setting.IsTransport)
                || (input.Variable(OwnVariables.Switch) is { } switchValue && !IsOff(switchValue))
                || greenJson is not null
                || app.Layers.Count > 0
                || input.Configure is not null,
            ConfiguredUrls = app.Urls,
        };
    }

    /// <summary>Which supervisor a client command means: by the command line and the environment alone, whatever folder it is given in.</summary>
    public static LoadedSettings LoadTarget(SettingsInput input) => Resolve(
        [.. input.CommandLine.Concat(ReadEnvironment(input)).Where(static value => value.Setting == SettingsCatalogue.Name || value.Setting == SettingsCatalogue.Control)],
        new GreenSupervisorOptions(),
        []);

    // The first one that names a setting wins.
    private static LoadedSettings Resolve(IReadOnlyList<SettingValue> sources, GreenSupervisorOptions options, List<string> problems)
    {
        var origins = SettingsCatalogue.All.ToDictionary(static setting => setting, static _ => SettingOrigin.Default);
        var wrong = new HashSet<Setting>();
        foreach (var strongest in sources.DistinctBy(static value => value.Setting))
        {
            origins[strongest.Setting] = strongest.Origin;
            if (!Apply(strongest, options, problems))
            {
                wrong.Add(strongest.Setting);
            }
        }

        if (!wrong.Contains(SettingsCatalogue.Timeout) && !wrong.Contains(SettingsCatalogue.HeartbeatInterval))
        {
            CheckTogether(options, origins, problems);
        }

        foreach (var problem in GreenTransportOptionsValidator.Together(options.Transport))
        {
            if (options.PassedOn.TryGetValue(problem.Setting, out var text))
            {
                problems.Add($"{problem.Setting} ('{text}', {origins[SettingsCatalogue.Find(problem.Setting)!]}) must be {problem.Rule}.");
            }
        }

        return new LoadedSettings { Options = options, Origins = origins, Problems = problems };
    }

    private static IReadOnlyList<SettingValue> SetInCode(SettingsInput input, GreenSupervisorOptions options)
    {
        if (input.Configure is null)
        {
            return [];
        }

        input.Configure(options);
        var defaults = new GreenSupervisorOptions();
        return
        [
            .. from setting in SettingsCatalogue.All
               let values = setting.Read(options)
               where !values.SequenceEqual(setting.Read(defaults))
               select new SettingValue(setting, values, SettingOrigin.Code),
        ];
    }

    private static SettingsLayer? ReadGreenJson(SettingsInput input, ICollection<string> problems)
    {
        if (AppConfiguration.ReadJson(Path.Combine(input.CurrentDirectory, GreenJson), problems) is not { } file)
        {
            return null;
        }

        var pairs = ConfigurationPair.AllOf(file, relative: false).Where(static pair => pair.Key != SchemaKey);
        return new SettingsLayer(SettingOriginKind.GreenJson, [.. pairs], static key => $"{GreenJson}: {key}");
    }

    private static IReadOnlyList<SettingValue> ReadEnvironment(SettingsInput input) =>
    [
        .. from setting in SettingsCatalogue.All
           let text = input.Variable(setting.Variable)
           where text is not null
           select new SettingValue(setting, [text], new SettingOrigin(SettingOriginKind.Environment, setting.Variable)),
    ];

    private static bool Apply(SettingValue given, GreenSupervisorOptions options, List<string> problems)
    {
        var setting = given.Setting;
        var values = given.Values.SelectMany(setting.Split).ToList();
        if (values.Count == 0)
        {
            values.Add("");
        }

        var before = problems.Count;
        setting.Clear(options);
        foreach (var value in values)
        {
            if (setting.Take(options, value) is { } wrong)
            {
                problems.Add($"{setting.Name} ({(setting.IsSecret ? "" : $"'{value}', ")}{given.Origin}) {wrong}.");
            }
        }

        return problems.Count == before;
    }

    private static void CheckTogether(GreenSupervisorOptions options, Dictionary<Setting, SettingOrigin> origins, List<string> problems)
    {
        var interval = options.EffectiveHeartbeatInterval;
        if (options.Timeout < 2 * interval)
        {
            problems.Add(
                $"{Show(SettingsCatalogue.Timeout, options.Timeout)} must be at least twice {Show(SettingsCatalogue.HeartbeatInterval, interval)}: "
                + "otherwise a single late heartbeat replaces a worker.");
        }

        string Show(Setting setting, TimeSpan value) => $"{setting.Name} ({Duration.Format(value)}, {origins[setting]})";
    }

    // A misspelt variable would be ignored silently. It may belong to another program, though, so this is only a warning.
    private static IEnumerable<string> LookAlikes(IEnumerable<string> variables)
    {
        string[] known =
        [
            .. SettingsCatalogue.All.Select(static setting => setting.Variable),
            .. ContractVariables.All,
            .. OwnVariables.All,
        ];
        return from variable in variables
               where variable.StartsWith("GREEN_", StringComparison.Ordinal) && !known.Contains(variable)
               let meant = Suggestion.Closest(variable["GREEN_".Length..], known.Select(static name => name["GREEN_".Length..]))
               where meant is not null
               orderby variable
               select $"{variable} is not a setting; did you mean GREEN_{meant}?";
    }
}
