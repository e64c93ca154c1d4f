namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>What <see cref="SettingsLoader"/> found.</summary>
internal sealed record LoadedSettings
{
    /// <summary>The effective values; use them only if there are no problems.</summary>
    public required GreenSupervisorOptions Options { get; init; }

    /// <summary>Where each value came from.</summary>
    public required IReadOnlyDictionary<Setting, SettingOrigin> Origins { get; init; }

    /// <summary>Everything that is wrong, one sentence each.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>What looks like a mistake but may be intended.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Whether any source asks for a supervisor at all.</summary>
    public bool Configured { get; init; }

    /// <summary>The urls of an appsettings file, for the default of Bind.</summary>
    public (string Origin, string Value)? ConfiguredUrls { get; init; }

    public bool IsSet(Setting setting) => Origins[setting].Kind != SettingOriginKind.Default;
}
