using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Draining;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Requests;

/// <summary>
/// The middleware that reports each request to its connection and to the worker's figures, and tells the client of a draining
/// process that its connection ends with this response. A request that completes synchronously costs no allocation.
///
/// Each request looks up two features, and no more: a lookup costs as much as all the rest of this.
/// </summary>
internal sealed class RequestTracker
{
    private readonly RequestDelegate _next;
    private readonly Drain _drain;
    private readonly RequestFigures? _figures;
    private readonly Lazy<RequestFigures> _warmUpFigures = new(static () => new RequestFigures(TimeProvider.System));
    private readonly RouteRecorder? _recorder;
    private readonly Func<object, Task> _onStarting;

    /// <param name="next">What handles the request.</param>
    /// <param name="drain">Whether this process drains.</param>
    /// <param name="figures">Where requests are counted; null in a process that is not a worker.</param>
    /// <param name="recorder">Records the routes; null where they are not recorded.</param>
    public RequestTracker(RequestDelegate next, Drain drain, RequestFigures? figures, RouteRecorder? recorder = null)
    {
        (_next, _drain, _figures, _recorder) = (next, drain, figures, recorder);
        _onStarting = OnStarting;
    }

    public Task InvokeAsync(HttpContext context)
    {
        var features = context.Features;
        var request = features.Get<IHttpRequestFeature>();

        // None where something else serves the request: a test server, HTTP/3.
        var activity = request is null ? null : features.Get<ConnectionActivity>();
        var isWarmUp = activity is { IsWarmUp: true };
        var figures = isWarmUp ? OfWarmUp(features) : _figures;
        if (activity is null && figures is null)
        {
            return _next(context);
        }

        var slot = figures?.Begin(request is null ? null : Nameable(request, features)) ?? RequestFigures.Untracked;
        activity?.Begin(request!, features);
        Task handled;
        try
        {
            if (activity is { IsMultiplexed: false })
            {
                // The drain may begin at any time before the response does.
                context.Response.OnStarting(_onStarting, context);
            }
            else if (activity is not null && _drain.HasBegun)
            {
                activity.RequestClose();
            }

            handled = _recorder is null || isWarmUp ? _next(context) : Recorded(context, _recorder);
        }
        catch
        {
            End(activity, request, figures, slot);
            throw;
        }

        if (!handled.IsCompletedSuccessfully)
        {
            return EndAfter(handled, activity, request, figures, slot);
        }

        End(activity, request, figures, slot);
        return Task.CompletedTask;
    }

    // Kestrel's request feature says itself whether the request asks for an upgrade. Other servers have separate features for that,
    // which are checked here.
    private static IHttpRequestFeature? Nameable(IHttpRequestFeature request, IFeatureCollection features) =>
        request is IHttpUpgradeFeature and IHttpExtendedConnectFeature
        || !(features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } || features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true })
            ? request
            : null;

    private async Task Recorded(HttpContext context, RouteRecorder recorder)
    {
        var start = TimeProvider.System.GetTimestamp();
        await _next(context);
        recorder.Note(context, TimeProvider.System.GetElapsedTime(start));
    }

    // Counted in figures of its own, which are never shown, so that the counting code becomes warm too. The app's metrics leave it out.
    private RequestFigures OfWarmUp(IFeatureCollection features)
    {
        if (features.Get<IHttpMetricsTagsFeature>() is { } metrics)
        {
            metrics.MetricsDisabled = true;
        }

        return _warmUpFigures.Value;
    }

    private static async Task EndAfter(Task handled, ConnectionActivity? activity, IHttpRequestFeature? request, RequestFigures? figures, int slot)
    {
        try
        {
            await handled;
        }
        finally
        {
            End(activity, request, figures, slot);
        }
    }

    private static void End(ConnectionActivity? activity, IHttpRequestFeature? request, RequestFigures? figures, int slot)
    {
        activity?.End(request!);
        figures?.End(slot);
    }

    private Task OnStarting(object state)
    {
        // A client that has already sent its next request is told with the answer to that one.
        if (_drain.HasBegun && (HttpContext)state is { Response.StatusCode: not StatusCodes.Status101SwitchingProtocols } context
            && context.Features.Get<ConnectionActivity>() is not { HasMore: true })
        {
            context.Response.Headers.Connection = "close";
        }

        return Task.CompletedTask;
    }
}

/// <summary>Puts the tracker before everything else that handles requests.</summary>
internal sealed class RequestTrackerFilter(Drain drain, RequestFigures? figures = null, RouteRecorder? recorder = null) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(inner => new RequestTracker(inner, drain, figures, recorder).InvokeAsync);
        next(app);
    };
}
