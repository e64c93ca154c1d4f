namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>Everything that settings are read from.</summary>
internal sealed record SettingsInput
{
    /// <summary>The supervisor's options from the command line.</summary>
    public IReadOnlyList<SettingValue> CommandLine { get; init; } = [];

    /// <summary>The app's own arguments, which may contain configuration keys.</summary>
    public IReadOnlyList<string> AppArguments { get; init; } = [];

    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    public required string CurrentDirectory { get; init; }

    /// <summary>The folder of the app's file; null if unknown.</summary>
    public string? AppDirectory { get; init; }

    /// <summary>The app's lambda that sets options in code.</summary>
    public Action<GreenSupervisorOptions>? Configure { get; init; }

    /// <summary>A variable's value; null if absent or empty.</summary>
    public string? Variable(string name) => Environment.TryGetValue(name, out var value) && value.Length > 0 ? value : null;
}
