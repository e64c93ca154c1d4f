using System.CommandLine;
using System.CommandLine.Parsing;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Tool.CommandLine;

/// <summary>A command-line option made from the catalogue. Its values stay texts: the settings loader checks them with all others.</summary>
internal sealed class SettingOption : Option<string[]>
{
    public SettingOption(Setting<GreenSupervisorOptions> setting)
        : base(setting.Option, [.. setting.Options.SkipLast(1)])
    {
        Setting = setting;
        HelpName = setting.ValueName.Length > 0 ? setting.ValueName : null;
        Description = $"{setting.Help} Default: {setting.Default}.".Replace("`", "", StringComparison.Ordinal);
        CompletionSources.Add([.. setting.Choices]);

        // A flag takes no value, or it would take APP for one.
        // Given twice, the last one counts, as in most tools; a wrapper script may so be overruled.
        Arity = HelpName is null ? ArgumentArity.Zero : ArgumentArity.OneOrMore;
    }

    public Setting<GreenSupervisorOptions> Setting { get; }

    /// <summary>All settings that this command line gives.</summary>
    public static IReadOnlyList<SettingValue> Given(ParseResult parsed) => CommandLineSplit.Group(
        from result in parsed.RootCommandResult.Children.Concat(parsed.CommandResult.Children).OfType<OptionResult>()
        let option = result.Option as SettingOption
        where option is not null && !result.Implicit
        from value in option.HelpName is null ? ["true"] : result.Tokens.Select(static token => token.Value)
        select new GivenOption(option.Setting, result.IdentifierToken?.Value ?? option.Name, value));
}
