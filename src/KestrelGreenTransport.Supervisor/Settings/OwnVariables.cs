namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>Variables of the supervisor that are not settings. It reads them, and sets some for its own child processes.</summary>
internal static class OwnVariables
{
    /// <summary>Whether an app may run as its own supervisor.</summary>
    public const string Switch = "GREEN_SUPERVISOR";

    /// <summary>The descriptor of the pipe from a supervisor to its init.</summary>
    public const string Init = "GREEN_INIT_FD";

    /// <summary>What a supervisor hands to the one that takes over from it.</summary>
    public const string Upgrade = "GREEN_UPGRADE";

    public static readonly IReadOnlyList<string> All = [Switch, Init, Upgrade];
}
