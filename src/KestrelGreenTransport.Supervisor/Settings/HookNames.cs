namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>What hooks are called on a command line: <c>worker-exit</c>.</summary>
internal static class HookNames
{
    private static readonly Dictionary<string, GreenHook> ByName = Enum.GetValues<GreenHook>().ToDictionary(Of, StringComparer.Ordinal);

    public static string All => string.Join(", ", ByName.Keys);

    public static string Of(GreenHook hook) =>
        string.Concat(hook.ToString().Select(static (c, i) => char.IsUpper(c) && i > 0 ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));

    /// <summary>Takes <c>worker-exit=COMMAND</c> apart; null when it is none.</summary>
    public static (GreenHook Hook, string Command)? Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && ByName.TryGetValue(text[..equals].Trim(), out var hook) && text[(equals + 1)..].Trim() is { Length: > 0 } command
            ? (hook, command)
            : null;
    }
}
