namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>What one source says of one setting, unchecked.</summary>
internal sealed record SettingValue(Setting Setting, IReadOnlyList<string> Values, SettingOrigin Origin);
