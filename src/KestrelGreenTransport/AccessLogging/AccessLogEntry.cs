using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.AccessLogging;

/// <summary>An answered request, as a line of the access log shows it. What a client sent is kept as it was sent.</summary>
internal readonly record struct AccessLogEntry
{
    /// <summary>When the request had been read, in the machine's time zone.</summary>
    public required DateTimeOffset At { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>The client's address; null if it has none (a Unix socket).</summary>
    public string? Remote { get; init; }

    public string? User { get; init; }

    public required string Method { get; init; }

    /// <summary>Path and query, as the client wrote them.</summary>
    public required string Target { get; init; }

    public required string Protocol { get; init; }

    public required int Status { get; init; }

    /// <summary>Bytes of the body that the app wrote; 0 if none is sent.</summary>
    public required long Bytes { get; init; }

    public string? Referer { get; init; }

    public string? UserAgent { get; init; }

    /// <summary>The id of the request in the app's own log.</summary>
    public required string RequestId { get; init; }

    /// <summary>The trace that the request belongs to, if it is traced.</summary>
    public string? TraceId { get; init; }

    /// <summary>The worker's index; null if the process is not a worker.</summary>
    public int? Worker { get; init; }

    /// <summary>The client's address at the end of the request: ForwardedHeaders may have corrected it.</summary>
    public static string? RemoteOf(HttpContext context) => context.Connection.RemoteIpAddress switch
    {
        null => null,
        { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4().ToString(),
        var address => address.ToString(),
    };

    /// <summary>The target on the request line. HTTP/2 and a test server have no such line: then it is put together.</summary>
    public static string TargetOf(HttpContext context) => context.Features.Get<IHttpRequestFeature>() switch
    {
        { RawTarget: { Length: > 0 } target } => target,
        _ => $"{context.Request.PathBase}{context.Request.Path}{context.Request.QueryString}",
    };

    /// <summary>The status that the client sees, even if the app threw and Kestrel answers in its place.</summary>
    public static int StatusOf(HttpContext context, Exception? thrown) => thrown switch
    {
        null => context.Response.StatusCode,
        _ when context.Response.HasStarted => context.Response.StatusCode,
        _ when context.RequestAborted.IsCancellationRequested => StatusCodes.Status499ClientClosedRequest,
        BadHttpRequestException bad => bad.StatusCode,
        _ => StatusCodes.Status500InternalServerError,
    };
}
