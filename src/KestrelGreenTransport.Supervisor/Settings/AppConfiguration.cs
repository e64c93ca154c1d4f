using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// The app's own configuration as far as the supervisor needs it, before any builder exists: its appsettings files by
/// environment name, its environment and its arguments, in ASP.NET Core's order.
/// </summary>
internal sealed class AppConfiguration
{
    public const string Section = "GreenSupervisor";

    private const string UrlsKey = "urls";

    private readonly List<SettingsLayer> _layers = [];

    private AppConfiguration()
    {
    }

    /// <summary>What the section says, strongest source first.</summary>
    public IReadOnlyList<SettingsLayer> Layers => _layers;

    /// <summary>The urls of an appsettings file, with their origin.</summary>
    public (string Origin, string Value)? Urls { get; private set; }

    public static AppConfiguration Read(SettingsInput input, ICollection<string> problems)
    {
        var configuration = new AppConfiguration();
        configuration.AddArguments(input.AppArguments);
        configuration.AddEnvironment(input.Environment);
        if (SettingsFolder(input) is { } folder)
        {
            configuration.AddFile(folder, $"appsettings.{EnvironmentName(input)}.json", problems);
            configuration.AddFile(folder, "appsettings.json", problems);
        }

        return configuration;
    }

    /// <summary>All keys and values of a JSON file, flattened with colons; null when it is absent or broken.</summary>
    public static IConfigurationRoot? ReadJson(string path, ICollection<string> problems)
    {
        try
        {
            using var file = File.OpenRead(path);
            return new ConfigurationBuilder().AddJsonStream(file).Build();
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception broken) when (broken is JsonException or FormatException or IOException or UnauthorizedAccessException)
        {
            problems.Add($"{Path.GetFileName(path)} cannot be read: {broken.Message}");
            return null;
        }
    }

    /// <summary>The app's configuration as a whole, as far as files, environment and arguments make it.</summary>
    public static IConfigurationRoot Whole(SettingsInput input, ICollection<string> problems)
    {
        var builder = new ConfigurationBuilder();
        if (SettingsFolder(input) is { } folder)
        {
            foreach (var name in new[] { "appsettings.json", $"appsettings.{EnvironmentName(input)}.json" })
            {
                builder.AddInMemoryCollection(ReadJson(Path.Combine(folder, name), problems)?.AsEnumerable() ?? []);
            }
        }

        return builder
            .AddInMemoryCollection(input.Environment.Select(static pair => KeyValuePair.Create(pair.Key.Replace("__", ":", StringComparison.Ordinal), (string?)pair.Value)))
            .AddInMemoryCollection(ConfigurationArguments.All(input.AppArguments).Select(static pair => KeyValuePair.Create(pair.Key, pair.Value)))
            .Build();
    }

    /// <summary>Where relative paths of the app's configuration start.</summary>
    public static string ContentRoot(SettingsInput input) => SettingsFolder(input) ?? input.CurrentDirectory;

    // The content root, unless the files lie only beside the app.
    private static string? SettingsFolder(SettingsInput input)
    {
        var contentRoot = ConfigurationArguments.Value(input.AppArguments, "contentRoot")
            ?? input.Variable("ASPNETCORE_CONTENTROOT") ?? input.Variable("DOTNET_CONTENTROOT");
        var folders = contentRoot is null
            ? new[] { input.CurrentDirectory, input.AppDirectory }
            : [Path.GetFullPath(contentRoot, input.CurrentDirectory)];
        var names = new[] { "appsettings.json", $"appsettings.{EnvironmentName(input)}.json" };
        return folders.FirstOrDefault(folder => folder is not null && names.Any(name => File.Exists(Path.Combine(folder, name))));
    }

    private static string EnvironmentName(SettingsInput input) =>
        ConfigurationArguments.Value(input.AppArguments, "environment")
        ?? input.Variable("ASPNETCORE_ENVIRONMENT") ?? input.Variable("DOTNET_ENVIRONMENT") ?? "Production";

    private void AddArguments(IReadOnlyList<string> arguments) =>
        Add(ConfigurationArguments.All(arguments), static key => $"--{Section}:{key} on the command line");

    private void AddEnvironment(IReadOnlyDictionary<string, string> environment) => Add(
        environment.Keys.Select(name => new ConfigurationPair(name.Replace("__", ":", StringComparison.Ordinal), environment[name])),
        static key => $"{Section}__{key.Replace(":", "__", StringComparison.Ordinal)}");

    private void Add(IEnumerable<ConfigurationPair> pairs, Func<string, string> origin)
    {
        const string prefix = Section + ":";
        var ours = pairs.Where(static pair => pair.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            .Select(static pair => pair with { Key = pair.Key[prefix.Length..] }).ToList();
        if (ours.Count > 0)
        {
            _layers.Add(new SettingsLayer(SettingOriginKind.AppConfiguration, ours, origin));
        }
    }

    private void AddFile(string folder, string name, ICollection<string> problems)
    {
        if (ReadJson(Path.Combine(folder, name), problems) is not { } file)
        {
            return;
        }

        if (Urls is null && file[UrlsKey] is { Length: > 0 } urls)
        {
            Urls = ($"{name}: {UrlsKey}", urls);
        }

        // An empty section is a wish too: supervise with every default.
        if (file.Providers.Any(static provider => provider.TryGet(Section, out _)) || file.GetSection(Section).GetChildren().Any())
        {
            var pairs = ConfigurationPair.AllOf(file.GetSection(Section), relative: true).Where(static pair => pair.Key.Length > 0);
            _layers.Add(new SettingsLayer(SettingOriginKind.AppConfiguration, [.. pairs], key => $"{name}: {Section}:{key}"));
        }
    }
}
