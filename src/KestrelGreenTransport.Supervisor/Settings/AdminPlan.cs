using System.Net;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>Where the admin endpoint listens, and what authorizes a client.</summary>
/// <param name="Text">As the user wrote it.</param>
/// <param name="Endpoints">One, or the two of <c>localhost</c>.</param>
/// <param name="Token">Authorizes the actions; null: there are no actions.</param>
/// <param name="IsRemote">Whether other machines can reach it: then everything but the health checks requires the token.</param>
internal sealed record AdminPlan(string Text, IReadOnlyList<ListenEndpoint> Endpoints, string? Token, bool IsRemote)
{
    public const int ShortestToken = 16;

    public static bool IsAddress(string text) => BindParser.TryParse(text, "/", out var binds, out _) && binds.All(static bind => bind is BindEndpoint);

    /// <summary>The plan; null if no admin endpoint is configured. Errors are added to <paramref name="problems"/>.</summary>
    public static AdminPlan? Of(LoadedSettings settings, string currentDirectory, ICollection<string> problems)
    {
        if (settings.Options.Admin is not { } text || !BindParser.TryParse(text, currentDirectory, out var binds, out _))
        {
            return null;
        }

        var token = ReadToken(settings, currentDirectory, problems);
        List<ListenEndpoint> endpoints = [.. binds.OfType<BindEndpoint>().Select(static bind => bind.Endpoint)];
        var isRemote = endpoints.Any(static endpoint => endpoint.IP is { } ip && !IPAddress.IsLoopback(ip.Address));
        if (isRemote && (!settings.Options.AdminAllowRemote || token is null))
        {
            problems.Add(
                $"Admin ('{text}', {settings.Origins[SettingsCatalogue.Admin]}) can be reached from other machines: "
                + "add --admin-allow-remote and a token (AdminToken), or listen on 127.0.0.1.");
        }

        return new AdminPlan(text, endpoints, token, isRemote);
    }

    private static string? ReadToken(LoadedSettings settings, string currentDirectory, ICollection<string> problems)
    {
        if (settings.Options.AdminToken is not ['@', .. var file])
        {
            return settings.Options.AdminToken;
        }

        try
        {
            var token = File.ReadAllText(Path.GetFullPath(file, currentDirectory)).Trim();
            if (token.Length >= ShortestToken)
            {
                return token;
            }

            problems.Add($"AdminToken ('@{file}', {settings.Origins[SettingsCatalogue.AdminToken]}) must be {SettingsCatalogue.AdminToken.Range}.");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            problems.Add($"AdminToken ('@{file}', {settings.Origins[SettingsCatalogue.AdminToken]}) cannot be read: {unreadable.Message}");
        }

        return null;
    }
}
