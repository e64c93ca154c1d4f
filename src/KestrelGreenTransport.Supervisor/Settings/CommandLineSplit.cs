namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// An app's command line, with the supervisor's options taken out. Everything else is the app's, in its order;
/// so is everything after the first <c>--</c>.
/// </summary>
internal sealed record CommandLineSplit(
    IReadOnlyList<SettingValue> Given, IReadOnlyList<string> AppArguments, IReadOnlyList<string> Problems)
{
    private static readonly Dictionary<string, Setting> ByOption = EveryOption();

    public static CommandLineSplit Of(IReadOnlyList<string> arguments)
    {
        var values = new List<GivenOption>();
        var (rest, problems) = (new List<string>(), new List<string>());
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (argument == "--")
            {
                rest.AddRange(arguments.Skip(i + 1));
                break;
            }

            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            var option = equals > 0 ? argument[..equals] : argument;
            if (!ByOption.TryGetValue(option, out var setting))
            {
                rest.Add(argument);
            }
            else if (equals > 0)
            {
                values.Add(new GivenOption(setting, option, argument[(equals + 1)..]));
            }
            else if (setting.ValueName.Length == 0)
            {
                values.Add(new GivenOption(setting, option, "true"));
            }
            else if (i + 1 < arguments.Count && arguments[i + 1] != "--")
            {
                values.Add(new GivenOption(setting, option, arguments[++i]));
            }
            else
            {
                problems.Add($"{option} on the command line needs a value: {option} {setting.ValueName}.");
            }
        }

        return new CommandLineSplit(Given: Group(values), rest, problems);
    }

    /// <summary>One value for each setting that was given; repeated options are gathered in order.</summary>
    public static IReadOnlyList<SettingValue> Group(IEnumerable<GivenOption> values) =>
    [
        .. values.GroupBy(static given => given.Setting).Select(static group => new SettingValue(
            group.Key,
            [.. group.Select(static given => given.Value)],
            new SettingOrigin(SettingOriginKind.CommandLine, $"{group.Last().Option} on the command line"))),
    ];

    private static Dictionary<string, Setting> EveryOption()
    {
        var all = new Dictionary<string, Setting>(StringComparer.Ordinal);
        foreach (var setting in SettingsCatalogue.All)
        {
            foreach (var option in setting.Options)
            {
                all.Add(option, setting);
            }
        }

        return all;
    }
}

/// <summary>One option as it was written.</summary>
internal sealed record GivenOption(Setting Setting, string Option, string Value);
