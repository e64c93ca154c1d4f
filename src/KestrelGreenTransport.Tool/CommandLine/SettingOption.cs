using System.CommandLine;
using System.CommandLine.Parsing;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Tool.CommandLine;

/// <summary>A command-line option made from the catalogue. Its values stay texts: the settings loader checks them with all others.</summary>
internal sealed class SettingOption : Option<string[]>
{
    public SettingOption(Setting setting)
        : base(setting.LongOption, [.. setting.Options.SkipLast(1)])
    {
        Setting = setting;
        HelpName = setting.ValueName;
        Description = $"{setting.Help} Default: {setting.Default}.".Replace("`", "", StringComparison.Ordinal);
        // Given twice, the last one counts, as in most tools; a wrapper script may so be overruled.
        Arity = ArgumentArity.OneOrMore;
    }

    public Setting Setting { get; }

    /// <summary>All settings that this command line gives.</summary>
    public static IReadOnlyList<SettingValue> Given(ParseResult parsed) => CommandLineSplit.Group(
        from result in parsed.RootCommandResult.Children.Concat(parsed.CommandResult.Children).OfType<OptionResult>()
        let option = result.Option as SettingOption
        where option is not null && !result.Implicit
        from token in result.Tokens
        select (option.Setting, result.IdentifierToken?.Value ?? option.Name, token.Value));
}
