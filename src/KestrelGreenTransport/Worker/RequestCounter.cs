using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Worker;

/// <summary>The middleware that counts requests for the board. A request that completes synchronously costs no allocation.</summary>
internal sealed class RequestCounter(RequestDelegate next, RequestFigures figures)
{
    public Task InvokeAsync(HttpContext context)
    {
        var slot = figures.Begin(figures.KeepsRequests ? Judged(context) : null);
        Task handled;
        try
        {
            handled = next(context);
        }
        catch
        {
            figures.End(slot);
            throw;
        }

        if (!handled.IsCompletedSuccessfully)
        {
            return EndAfter(handled, slot);
        }

        figures.End(slot);
        return Task.CompletedTask;
    }

    // What asks to become a WebSocket is meant to last, and nobody should call it slow.
    private static IHttpRequestFeature? Judged(HttpContext context) =>
        context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
        || context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true }
            ? null
            : context.Features.Get<IHttpRequestFeature>();

    private async Task EndAfter(Task handled, int slot)
    {
        try
        {
            await handled;
        }
        finally
        {
            figures.End(slot);
        }
    }
}

/// <summary>Puts the counter before everything else that handles requests.</summary>
internal sealed class RequestCounterFilter(RequestFigures figures) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(inner => new RequestCounter(inner, figures).InvokeAsync);
        next(app);
    };
}
