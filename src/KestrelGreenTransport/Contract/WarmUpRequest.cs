using System.Buffers;

namespace KestrelGreenTransport.Contract;

/// <summary>A request that a worker makes to itself in a warm-up.</summary>
/// <param name="Method">Its method.</param>
/// <param name="Path">Its path and query.</param>
/// <param name="Headers">Each as <c>Name: value</c>; null for none. The worker adds the headers that frame the message.</param>
/// <param name="Body">Its body, sent as UTF-8; null for none.</param>
internal sealed record WarmUpRequest(string Method, string Path, string[]? Headers = null, string? Body = null)
{
    /// <summary>The most requests of a warm-up.</summary>
    public const int Most = 200;

    /// <summary>The most routes that a worker records.</summary>
    public const int MostRecorded = 50;

    /// <summary>The longest template of a route, and the longest example, in characters.</summary>
    public const int LongestRoute = 512;

    /// <summary>A request that took longer is not recorded.</summary>
    public static readonly TimeSpan LongestRecorded = TimeSpan.FromSeconds(1);

    /// <summary>The longest method, in characters.</summary>
    public const int LongestMethod = 32;

    /// <summary>The longest body, in characters.</summary>
    public const int LongestBody = 32 * 1024;

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    // The worker frames each message itself, and decides which connection it uses.
    private static readonly string[] OwnHeaders = ["Connection", "Content-Length", "Transfer-Encoding", "Expect", "Upgrade", "TE", "Trailer", "Keep-Alive"];

    /// <summary>
    /// The template of the route that this request is a recorded example of; null for a request from the settings. The answer to a
    /// recorded request does not decide whether the app works.
    /// </summary>
    public string? Route { get; init; }

    /// <summary>What is wrong with a path, or null.</summary>
    public static string? ProblemOfPath(string path) =>
        !path.StartsWith('/') || path.Any(static c => c is <= ' ' or > '~' or '#') ? "the path must begin with '/' and contain only visible ASCII characters"
        : path.Length > LifelineRules.LongestText ? $"the path has more than {LifelineRules.LongestText} characters"
        : null;

    /// <summary>What is wrong with a header's line, or null.</summary>
    public static string? ProblemOfHeader(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        return colon < 1 || !IsToken(line.AsSpan(0, colon)) || line.Any(static c => c is (< ' ' or > '~') and not '\t') ? "a header must be 'Name: value' in ASCII"
            : line.Length > LifelineRules.LongestText ? $"a header has more than {LifelineRules.LongestText} characters"
            : Array.Find(OwnHeaders, own => line.AsSpan(0, colon).Equals(own, StringComparison.OrdinalIgnoreCase)) is { } own ? $"the worker sets {own} itself"
            : null;
    }

    /// <summary>What is wrong with a method, or null.</summary>
    public static string? ProblemOfMethod(string method) =>
        method.Length is 0 or > LongestMethod || !IsToken(method) || method == "CONNECT" ? $"'{method[..Math.Min(method.Length, LongestMethod)]}' cannot be a method" : null;

    /// <summary>What is wrong with this request, or null.</summary>
    public string? Problem() =>
        Method is null || Path is null ? "the method or the path is missing"
        : ProblemOfMethod(Method) ?? ProblemOfPath(Path) ?? (Headers ?? []).Select(static line => line is null ? "a header is missing" : ProblemOfHeader(line)).FirstOrDefault(static problem => problem is not null)
            ?? (Route is { Length: > LongestRoute } ? $"the route has more than {LongestRoute} characters" : null)
            ?? (Body is { Length: > LongestBody } ? $"the body has more than {LongestBody} characters" : null);

    public override string ToString() => Method == "GET" ? Path : $"{Method} {Path}";

    private static bool IsToken(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(TokenCharacters);
}
