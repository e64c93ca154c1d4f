using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// Where to listen without <c>-b</c>: where ASP.NET Core itself would, by the same variables with the same
/// meaning. An https url is bound like any other: the app's Kestrel does the TLS on it.
/// </summary>
internal static class DefaultBinds
{
    public const string Fallback = "127.0.0.1:8000";

    private static readonly string[] PortPrefixes = ["", "ASPNETCORE_", "DOTNET_"];

    /// <summary>The binds in order; errors are added to <paramref name="problems"/>.</summary>
    public static IReadOnlyList<BindSpec> Of(SettingsInput input, (string Origin, string Value)? configuredUrls, ICollection<string> problems)
    {
        if (Urls(input, configuredUrls) is var (origin, urls))
        {
            return [.. urls.SelectMany(url => OfUrl(url, origin, input.CurrentDirectory, problems))];
        }

        var ports = Ports(input, "HTTP_PORTS").Concat(Ports(input, "HTTPS_PORTS"));
        IReadOnlyList<BindSpec> binds = [.. ports.SelectMany(port => OfUrl($"http://*:{port.Port}", port.Origin, input.CurrentDirectory, problems))];
        if (binds.Count == 0 && problems.Count == 0 && BindParser.TryParse(Fallback, input.CurrentDirectory, out var fallback, out _))
        {
            return fallback;
        }

        return binds;
    }

    /// <summary>Kestrel's own endpoints in the app's configuration, which may have certificates. Kestrel prefers them to any url.</summary>
    public static IReadOnlyList<BindSpec> OfKestrel(IConfiguration configuration, string currentDirectory, ICollection<string> problems) =>
        [.. configuration.GetSection("Kestrel:Endpoints").GetChildren()
            .Where(static endpoint => endpoint["Url"] is { Length: > 0 })
            .SelectMany(endpoint => OfUrl(endpoint["Url"]!, $"{endpoint.Path}:Url", currentDirectory, problems))];

    // In the order in which WebApplicationBuilder layers them, strongest first.
    private static (string Origin, IReadOnlyList<string> Urls)? Urls(SettingsInput input, (string Origin, string Value)? configuredUrls)
    {
        (string Origin, string? Value)[] sources =
        [
            ("--urls on the command line", ConfigurationArguments.Value(input.AppArguments, "urls")),
            ("URLS", input.Variable("URLS")),
            (configuredUrls?.Origin ?? "", configuredUrls?.Value),
            ("ASPNETCORE_URLS", input.Variable("ASPNETCORE_URLS")),
            ("DOTNET_URLS", input.Variable("DOTNET_URLS")),
        ];
        foreach (var (origin, value) in sources)
        {
            if (!string.IsNullOrWhiteSpace(value))
            {
                return (origin, Split(value));
            }
        }

        return null;
    }

    private static IEnumerable<(string Origin, string Port)> Ports(SettingsInput input, string name)
    {
        foreach (var variable in PortPrefixes.Select(prefix => prefix + name))
        {
            if (input.Variable(variable) is { } value)
            {
                return Split(value).Select(port => (variable, port));
            }
        }

        return [];
    }

    private static IReadOnlyList<BindSpec> OfUrl(string url, string origin, string currentDirectory, ICollection<string> problems)
    {
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            problems.Add($"{origin} ('{url}') must contain URLs, such as http://127.0.0.1:8000.");
            return [];
        }

        if (address.IsUnixPipe)
        {
            var (binds, error) = BindParser.Unix(url, address.UnixPipePath, currentDirectory);
            if (binds is null)
            {
                problems.Add($"{origin} ('{url}') {error}.");
            }

            return binds ?? [];
        }

        if (address.Port == 0 && address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            problems.Add($"{origin} ('{url}') would get two different ports, one per address of localhost: write 127.0.0.1 or [::1].");
            return [];
        }

        // Kestrel takes any other host name for "every address".
        return BindParser.Tcp(url, address.Host, address.Port) ?? BindParser.EveryAddress(url, address.Port);
    }

    private static string[] Split(string list) => list.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
