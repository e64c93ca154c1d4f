using KestrelGreenTransport.Supervisor.Reporting;
using Microsoft.Extensions.Configuration;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>Keys and values of one source that names settings as <see cref="GreenSupervisorOptions"/> does; lists as <c>Bind:0</c>, <c>Bind:1</c>.</summary>
/// <param name="Kind">What the source is.</param>
/// <param name="Pairs">As they were found.</param>
/// <param name="Origin">How messages show a key of this source.</param>
internal sealed record SettingsLayer(SettingOriginKind Kind, IReadOnlyList<ConfigurationPair> Pairs, Func<string, string> Origin)
{
    /// <summary>What this source says; keys that name no setting go to <paramref name="problems"/>.</summary>
    public IReadOnlyList<SettingValue> Read(ICollection<string> problems)
    {
        var found = new Dictionary<Setting, List<string>>();
        foreach (var (key, value) in Pairs.OrderBy(static pair => pair.Key, ConfigurationKeyComparer.Instance))
        {
            var colon = key.IndexOf(':', StringComparison.Ordinal);
            var name = colon < 0 ? key : key[..colon];
            if (name == SettingsLoader.SchemaKey)
            {
                continue;
            }

            if (SettingsCatalogue.Find(name) is not { } setting)
            {
                problems.Add($"{Origin(key)} is not a setting{Suggestion.Tail(name, SettingsCatalogue.All.Select(static known => known.Name))}");
            }
            else if (colon >= 0 && !setting.IsList)
            {
                problems.Add($"{Origin(key)}: {setting.Name} takes one value, not several.");
            }
            else if (value is not null)
            {
                (found.TryGetValue(setting, out var values) ? values : found[setting] = []).Add(value);
            }
        }

        return [.. found.Keys.Select(setting => new SettingValue(setting, found[setting], new SettingOrigin(Kind, Origin(setting.Name))))];
    }
}

// Classes instead of tuples: the runtime compiles LINQ's methods again for each type of structure, while the first worker waits.

/// <summary>A key of a configuration and its value.</summary>
internal sealed record ConfigurationPair(string Key, string? Value)
{
    /// <summary>The pairs of a configuration, their keys flattened with colons.</summary>
    public static IEnumerable<ConfigurationPair> AllOf(IConfiguration configuration, bool relative)
    {
        foreach (var (key, value) in configuration.AsEnumerable(relative))
        {
            yield return new ConfigurationPair(key, value);
        }
    }
}
