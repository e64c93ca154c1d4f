namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>Everything that settings are read from.</summary>
internal sealed record SettingsInput
{
    /// <summary>Options of the supervisor that were given.</summary>
    public IReadOnlyList<SettingValue> CommandLine { get; init; } = [];

    /// <summary>The app's own arguments: they may hold configuration keys.</summary>
    public IReadOnlyList<string> AppArguments { get; init; } = [];

    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    public required string CurrentDirectory { get; init; }

    /// <summary>The folder of the app's file; null when it is not known.</summary>
    public string? AppDirectory { get; init; }

    /// <summary>The lambda in code.</summary>
    public Action<GreenSupervisorOptions>? Configure { get; init; }

    /// <summary>A variable's value; null when it is absent or empty.</summary>
    public string? Variable(string name) => Environment.TryGetValue(name, out var value) && value.Length > 0 ? value : null;
}
