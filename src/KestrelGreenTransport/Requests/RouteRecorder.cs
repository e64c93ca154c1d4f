using System.Collections.Concurrent;
using KestrelGreenTransport.Contract;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace KestrelGreenTransport.Requests;

// What must never be replayed is never recorded: methods other than GET, bodies, headers, values in the query whose names are not allowed,
// requests with authorization, and failed requests.

/// <summary>Records which GET routes clients request, with one example of each, so that a new worker can warm up with them. From any thread.</summary>
/// <param name="query">The names of the query's parameters whose values may be recorded.</param>
internal sealed class RouteRecorder(IReadOnlyList<string> query)
{
    private readonly ConcurrentDictionary<string, Route> _routes = [];
    private long _noted;

    /// <summary>How many replayable requests it has seen: when this has doubled, the routes are worth sending again.</summary>
    public long Noted => Interlocked.Read(ref _noted);

    /// <summary>Records a request that was answered.</summary>
    /// <param name="context">The request.</param>
    /// <param name="took">How long it took. A request that waits for something would only delay a warm-up.</param>
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

    /// <summary>The recorded routes, the most requested one first.</summary>
    public WarmUpRequest[] Read() =>
        [.. _routes.OrderByDescending(static route => Interlocked.Read(ref route.Value.Count)).Select(static route => new WarmUpRequest("GET", route.Value.Path) { Route = route.Key })];

    // As the client wrote it: a parsed path may change when it is parsed again.
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
