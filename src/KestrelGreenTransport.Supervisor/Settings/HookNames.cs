namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>What hooks are called on a command line: <c>worker-exit</c>.</summary>
internal static class HookNames
{
    private static readonly GreenHook[] Hooks = Enum.GetValues<GreenHook>();
    private static readonly string[] Names = Array.ConvertAll(Hooks, Of);

    public static string All => string.Join(", ", Names);

    public static string Of(GreenHook hook) => Setting.Hyphenated(hook.ToString());

    /// <summary>Takes <c>worker-exit=COMMAND</c> apart; null when it is none.</summary>
    public static (GreenHook Hook, string Command)? Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && Array.IndexOf(Names, text[..equals].Trim()) is >= 0 and var known && text[(equals + 1)..].Trim() is { Length: > 0 } command
            ? (Hooks[known], command)
            : null;
    }
}
