namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>Where a value came from.</summary>
/// <param name="Kind">The kind of source; a later one wins over an earlier one.</param>
/// <param name="Text">As messages show it: <c>--timeout on the command line</c>, <c>appsettings.json: GreenSupervisor:Timeout</c>.</param>
internal sealed record SettingOrigin(SettingOriginKind Kind, string Text)
{
    public static readonly SettingOrigin Default = new(SettingOriginKind.Default, "default");

    public static readonly SettingOrigin Code = new(SettingOriginKind.Code, "set in code");

    public override string ToString() => Text;
}

internal enum SettingOriginKind
{
    Default,
    Code,
    AppConfiguration,
    GreenJson,
    Environment,
    CommandLine,
}
