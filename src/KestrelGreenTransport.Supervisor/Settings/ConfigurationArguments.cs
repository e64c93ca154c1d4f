namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// Configuration keys among an app's arguments, in the forms that ASP.NET Core's command-line configuration takes:
/// <c>--key value</c>, <c>--key=value</c>, <c>/key value</c>, <c>/key=value</c> and <c>key=value</c>.
/// </summary>
internal static class ConfigurationArguments
{
    public static IEnumerable<ConfigurationPair> All(IReadOnlyList<string> arguments)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            var start = argument.StartsWith("--", StringComparison.Ordinal) ? 2 : argument.StartsWith('/') ? 1 : 0;
            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            if (equals >= start)
            {
                yield return new ConfigurationPair(argument[start..equals], argument[(equals + 1)..]);
            }
            else if (start > 0 && i + 1 < arguments.Count)
            {
                yield return new ConfigurationPair(argument[start..], arguments[++i]);
            }
        }
    }

    /// <summary>The value of this key, the last one if there are several; null when it is absent.</summary>
    public static string? Value(IReadOnlyList<string> arguments, string key) =>
        All(arguments).LastOrDefault(pair => pair.Key.Equals(key, StringComparison.OrdinalIgnoreCase))?.Value;
}
