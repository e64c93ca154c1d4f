using System.Collections.Concurrent;
using KestrelGreenTransport.Contract;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace KestrelGreenTransport.Requests;

// What must never be replayed is never kept: another method than GET, a body, a header, a value of the query whose name is not allowed,
// what was asked for with authorization, what failed.

/// <summary>Which GET routes clients ask for, with one example of each, so that a new worker can warm itself by them. From any thread.</summary>
/// <param name="query">The names in a query whose values may be kept.</param>
internal sealed class RouteRecorder(IReadOnlyList<string> query)
{
    private readonly ConcurrentDictionary<string, Route> _routes = [];
    private long _noted;

    /// <summary>How many requests it has seen that may be replayed: worth another look when it has doubled.</summary>
    public long Noted => Interlocked.Read(ref _noted);

    /// <summary>A request was answered.</summary>
    /// <param name="context">What it was.</param>
    /// <param name="took">How long it took. One that waits for something would only hold a warm-up up.</param>
    public void Note(HttpContext context, TimeSpan took)
    {
        if (took > WarmUpRequest.LongestRecorded
            || context.Response.StatusCode is < 200 or > 299
            || !HttpMethods.IsGet(context.Request.Method)
            || context.GetEndpoint() is not RouteEndpoint { RoutePattern.RawText: { Length: > 0 and <= WarmUpRequest.LongestRoute } template }
            || context.Request.Headers.ContainsKey(HeaderNames.Authorization))
        {
            return;
        }

        if (!_routes.TryGetValue(template, out var route))
        {
            if (_routes.Count >= WarmUpRequest.MostRecorded || ExampleOf(context) is not { } path)
            {
                return;
            }

            route = _routes.GetOrAdd(template, new Route(path));
        }

        Interlocked.Increment(ref route.Count);
        Interlocked.Increment(ref _noted);
    }

    /// <summary>What was asked for most comes first.</summary>
    public WarmUpRequest[] Read() =>
        [.. _routes.OrderByDescending(static route => Interlocked.Read(ref route.Value.Count)).Select(static route => new WarmUpRequest("GET", route.Value.Path) { Route = route.Key })];

    // As the client wrote it: what a parser made of it is not what it would make of it again.
    private string? ExampleOf(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        var path = mark < 0 ? target : target[..mark];
        var kept = mark < 0 ? [] : target[(mark + 1)..].Split('&').Where(IsAllowed).ToList();
        var whole = kept.Count == 0 ? path : $"{path}?{string.Join('&', kept)}";
        return whole.Length <= WarmUpRequest.LongestRoute && WarmUpRequest.ProblemOfPath(whole) is null ? whole : null;
    }

    private bool IsAllowed(string pair) =>
        query.Contains(Uri.UnescapeDataString(pair.Split('=')[0].Replace('+', ' ')), StringComparer.OrdinalIgnoreCase);

    private sealed class Route(string path)
    {
        public long Count;

        public string Path => path;
    }
}
