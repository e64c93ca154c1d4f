using System.Net;
using System.Security.Cryptography;
using System.Text;
using KestrelGreenTransport.Supervisor.Settings;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>
/// Decides which requests the admin endpoint allows.
///
/// A page of another site in the operator's browser must neither read (its DNS name may be pointed here, which the Host header
/// reveals) nor act (an action needs the token in a header, which no form can send, and its Origin must be our own).
/// </summary>
internal sealed class AdminGuard(AdminPlan plan)
{
    /// <summary>The header in which the page sends the token.</summary>
    public const string TokenHeader = "X-Green-Token";

    private readonly byte[]? _token = plan.Token is null ? null : Hash(plan.Token);

    /// <summary>Null if the request may read; otherwise the status to answer with, and why.</summary>
    public (int Status, string Why)? Refuses(HttpRequest request)
    {
        if (plan.IsRemote)
        {
            return AdminApp.IsHealthCheck(request) || IsRight(Given(request))
                ? null
                : (StatusCodes.Status401Unauthorized, "the token is missing or wrong: send it as a bearer token, or as the password of any user");
        }

        // Browsers cannot reach a Unix socket.
        return plan.Endpoints[0].IP is null || IsThisMachine(request.Host.Host)
            ? null
            : (StatusCodes.Status403Forbidden, $"'{request.Host.Host}' is not a name of this machine: use 127.0.0.1 or localhost");
    }

    /// <summary>Null if the request may act; otherwise the status to answer with, and why.</summary>
    public (int Status, string Why)? RefusesAction(HttpRequest request)
    {
        if (!HttpMethods.IsPost(request.Method))
        {
            return (StatusCodes.Status405MethodNotAllowed, "actions need POST");
        }

        if (_token is null)
        {
            return (StatusCodes.Status403Forbidden, "actions are disabled without a token: set AdminToken");
        }

        if (request.Headers.Origin is [{ } origin] && !(Uri.TryCreate(origin, UriKind.Absolute, out var from) && from.Authority == request.Host.Value))
        {
            return (StatusCodes.Status403Forbidden, "the request comes from another site");
        }

        // Not Basic authentication: a browser sends that by itself.
        var given = request.Headers[TokenHeader] is [{ } header] ? header : Bearer(request);
        return IsRight(given) ? null : (StatusCodes.Status401Unauthorized, $"the token is missing or wrong: send it as {TokenHeader}");
    }

    private static bool IsThisMachine(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static string? Given(HttpRequest request) => Bearer(request) ?? BasicPassword(request) ?? request.Headers[TokenHeader];

    private static string? Bearer(HttpRequest request) => After(request, "Bearer ");

    private static string? BasicPassword(HttpRequest request)
    {
        var buffer = new byte[512];
        if (After(request, "Basic ") is not { } encoded || !Convert.TryFromBase64String(encoded, buffer, out var length))
        {
            return null;
        }

        var pair = Encoding.UTF8.GetString(buffer, 0, length);
        var colon = pair.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? null : pair[(colon + 1)..];
    }

    private static string? After(HttpRequest request, string scheme) =>
        request.Headers[HeaderNames.Authorization] is [{ } header] && header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? header[scheme.Length..].Trim() : null;

    // The hashes have equal length and are compared in constant time, whatever was given.
    private bool IsRight(string? given) => _token is not null && given is not null && CryptographicOperations.FixedTimeEquals(Hash(given), _token);

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
