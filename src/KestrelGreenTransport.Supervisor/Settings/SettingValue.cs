namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>One source's values for one setting, unchecked.</summary>
internal sealed record SettingValue(Setting Setting, IReadOnlyList<string> Values, SettingOrigin Origin);
