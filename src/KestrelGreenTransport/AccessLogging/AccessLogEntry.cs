using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.AccessLogging;

/// <summary>A request that was answered, as far as a line tells of it. What a client sent is as it sent it.</summary>
internal readonly record struct AccessLogEntry
{
    /// <summary>When the request had been read, on the clock of the machine's time zone.</summary>
    public required DateTimeOffset At { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>The client's address; null where it has none (a Unix socket).</summary>
    public string? Remote { get; init; }

    public string? User { get; init; }

    public required string Method { get; init; }

    /// <summary>Path and query, as the client wrote them.</summary>
    public required string Target { get; init; }

    public required string Protocol { get; init; }

    public required int Status { get; init; }

    /// <summary>Bytes of the body that the app wrote; 0 where none is sent.</summary>
    public required long Bytes { get; init; }

    public string? Referer { get; init; }

    public string? UserAgent { get; init; }

    /// <summary>What the app's own log calls the request.</summary>
    public required string RequestId { get; init; }

    /// <summary>The trace that the request belongs to, where somebody traces.</summary>
    public string? TraceId { get; init; }

    /// <summary>The worker's index; null in a process that is none.</summary>
    public int? Worker { get; init; }

    /// <summary>The client's address as it stands when the request is over: ForwardedHeaders may have put it right meanwhile.</summary>
    public static string? RemoteOf(HttpContext context) => context.Connection.RemoteIpAddress switch
    {
        null => null,
        { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4().ToString(),
        var address => address.ToString(),
    };

    /// <summary>What stands on the request line. HTTP/2 has none, and a test server neither: the same from its parts.</summary>
    public static string TargetOf(HttpContext context) => context.Features.Get<IHttpRequestFeature>() switch
    {
        { RawTarget: { Length: > 0 } target } => target,
        _ => $"{context.Request.PathBase}{context.Request.Path}{context.Request.QueryString}",
    };

    /// <summary>The status as the client sees it, also where the app threw and Kestrel answers in its place.</summary>
    public static int StatusOf(HttpContext context, Exception? thrown) => thrown switch
    {
        null => context.Response.StatusCode,
        _ when context.Response.HasStarted => context.Response.StatusCode,
        _ when context.RequestAborted.IsCancellationRequested => StatusCodes.Status499ClientClosedRequest,
        BadHttpRequestException bad => bad.StatusCode,
        _ => StatusCodes.Status500InternalServerError,
    };
}
