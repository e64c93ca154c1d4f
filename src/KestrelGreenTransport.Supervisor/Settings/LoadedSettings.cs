namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>What <see cref="SettingsLoader"/> found.</summary>
internal sealed record LoadedSettings
{
    /// <summary>The effective values; only to be used when there are no problems.</summary>
    public required GreenSupervisorOptions Options { get; init; }

    /// <summary>Where each value came from.</summary>
    public required IReadOnlyDictionary<Setting, SettingOrigin> Origins { get; init; }

    /// <summary>Everything that is wrong, each a sentence of its own.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>What looks like a mistake and is none for sure.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Whether anybody asked for a supervisor at all.</summary>
    public bool Configured { get; init; }

    /// <summary>The urls of an appsettings file, for the default of Bind.</summary>
    public (string Origin, string Value)? ConfiguredUrls { get; init; }

    public bool IsSet(Setting setting) => Origins[setting].Kind != SettingOriginKind.Default;
}
