namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>Where a value came from.</summary>
/// <param name="Kind">The kind of source; later kinds override earlier ones.</param>
/// <param name="Text">For messages: <c>--timeout on the command line</c>, <c>appsettings.json: GreenSupervisor:Timeout</c>.</param>
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
