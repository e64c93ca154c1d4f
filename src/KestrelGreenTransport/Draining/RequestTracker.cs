using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Draining;

/// <summary>
/// The middleware that tells a connection of its requests, and the client of a draining process that its connection ends
/// with this response. A request that completes synchronously costs no allocation.
/// </summary>
internal sealed class RequestTracker
{
    private readonly RequestDelegate _next;
    private readonly Drain _drain;
    private readonly Func<object, Task> _onStarting;

    public RequestTracker(RequestDelegate next, Drain drain)
    {
        (_next, _drain) = (next, drain);
        _onStarting = OnStarting;
    }

    public Task InvokeAsync(HttpContext context)
    {
        // None where something else serves the request: a test server, HTTP/3.
        if (context.Features.Get<ConnectionActivity>() is not { } activity || context.Features.Get<IHttpRequestFeature>() is not { } request)
        {
            return _next(context);
        }

        activity.Begin(request, context.Features);
        Task handled;
        try
        {
            if (!activity.IsMultiplexed)
            {
                // The drain may begin at any time before the response does.
                context.Response.OnStarting(_onStarting, context);
            }
            else if (_drain.HasBegun)
            {
                activity.RequestClose();
            }

            handled = _next(context);
        }
        catch
        {
            activity.End(request);
            throw;
        }

        if (!handled.IsCompletedSuccessfully)
        {
            return EndAfter(handled, activity, request);
        }

        activity.End(request);
        return Task.CompletedTask;
    }

    private static async Task EndAfter(Task handled, ConnectionActivity activity, IHttpRequestFeature request)
    {
        try
        {
            await handled;
        }
        finally
        {
            activity.End(request);
        }
    }

    private Task OnStarting(object state)
    {
        // Whoever has sent the next request already is told with the answer to that one.
        if (_drain.HasBegun && (HttpContext)state is { Response.StatusCode: not StatusCodes.Status101SwitchingProtocols } context
            && context.Features.Get<ConnectionActivity>() is not { HasMore: true })
        {
            context.Response.Headers.Connection = "close";
        }

        return Task.CompletedTask;
    }
}

/// <summary>Puts the tracker before everything else that handles requests.</summary>
internal sealed class RequestTrackerFilter(Drain drain) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(inner => new RequestTracker(inner, drain).InvokeAsync);
        next(app);
    };
}
