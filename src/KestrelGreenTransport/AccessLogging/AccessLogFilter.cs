using System.Diagnostics;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.AccessLogging;

/// <summary>Puts the access log around everything else that handles requests; adds nothing if there is no access log.</summary>
internal sealed class AccessLogFilter(AccessLog log) : IStartupFilter
{
    /// <exception cref="IOException">The log cannot be opened.</exception>
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next)
    {
        if (!log.Open())
        {
            return next;
        }

        return app =>
        {
            app.Use(inner => new AccessLogMiddleware(inner, log).InvokeAsync);
            next(app);
        };
    }
}

/// <summary>The middleware that reports each completed request to the access log.</summary>
internal sealed class AccessLogMiddleware(RequestDelegate next, AccessLog log)
{
    public Task InvokeAsync(HttpContext context)
    {
        var started = log.Time.GetTimestamp();
        CountedBody? body = null;
        if (context.Features.Get<IHttpResponseBodyFeature>() is { } inner)
        {
            body = new CountedBody(inner);
            context.Features.Set<IHttpResponseBodyFeature>(body);
        }

        Task handled;
        try
        {
            handled = next(context);
        }
        catch (Exception thrown)
        {
            Tell(context, started, body, thrown);
            throw;
        }

        if (!handled.IsCompletedSuccessfully)
        {
            return TellAfter(handled, context, started, body);
        }

        Tell(context, started, body, thrown: null);
        return Task.CompletedTask;
    }

    private async Task TellAfter(Task handled, HttpContext context, long started, CountedBody? body)
    {
        try
        {
            await handled;
        }
        catch (Exception thrown)
        {
            Tell(context, started, body, thrown);
            throw;
        }

        Tell(context, started, body, thrown: null);
    }

    private void Tell(HttpContext context, long started, CountedBody? body, Exception? thrown)
    {
        if (context.Features.Get<ConnectionActivity>() is { IsWarmUp: true })
        {
            return;
        }

        var duration = log.Time.GetElapsedTime(started);
        var request = context.Request;
        log.Add(new AccessLogEntry
        {
            At = log.Time.GetLocalNow() - duration,
            Duration = duration,
            Remote = AccessLogEntry.RemoteOf(context),
            User = context.User.Identity is { IsAuthenticated: true } identity ? identity.Name : null,
            Method = request.Method,
            Target = AccessLogEntry.TargetOf(context),
            Protocol = request.Protocol,
            Status = AccessLogEntry.StatusOf(context, thrown),
            Bytes = HttpMethods.IsHead(request.Method) ? 0 : body?.Count ?? 0,
            Referer = request.Headers.Referer,
            UserAgent = request.Headers.UserAgent,
            RequestId = context.TraceIdentifier,
            TraceId = Activity.Current?.TraceId.ToHexString(),
            Worker = log.Worker,
        });
    }
}
