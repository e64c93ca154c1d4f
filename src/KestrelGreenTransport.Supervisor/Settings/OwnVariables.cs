namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>Variables of the supervisor's own that are no settings: it reads them, and some of them it leaves to itself.</summary>
internal static class OwnVariables
{
    /// <summary>Whether an app may become a supervisor of itself.</summary>
    public const string Switch = "GREEN_SUPERVISOR";

    /// <summary>Where a supervisor finds the way back to its init: the descriptor of a pipe.</summary>
    public const string Init = "GREEN_INIT_FD";

    /// <summary>What a supervisor leaves to the one that takes over from it.</summary>
    public const string Upgrade = "GREEN_UPGRADE";

    public static readonly IReadOnlyList<string> All = [Switch, Init, Upgrade];
}
