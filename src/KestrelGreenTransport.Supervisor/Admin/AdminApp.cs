using System.Globalization;
using System.Text;
using System.Text.Json;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using Microsoft.AspNetCore.Http;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>The pages of the admin endpoint.</summary>
internal sealed class AdminApp(AdminPlan plan, AdminSources sources, AdminMonitor monitor, CancellationToken stopping)
{
    private const int EventsAtFirst = 200;
    private const int LinesShown = 200;
    private const string Json = "application/json; charset=utf-8";

    // The supervisor's thread completes ten rounds a second.
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(5);

    private static readonly string[] Actions = ["scale", "reload", "restart", "drain", "dump", "stop"];

    private readonly AdminGuard _guard = new(plan);

    public async Task Answer(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        SetHeaders(response);
        if (_guard.Refuses(request) is { } refusal)
        {
            if (refusal.Status == StatusCodes.Status401Unauthorized)
            {
                response.Headers.WWWAuthenticate = "Basic realm=\"green\", charset=\"UTF-8\"";
            }

            await Text(response, refusal.Status, refusal.Why);
            return;
        }

        var path = request.Path.Value ?? "/";
        if (path.StartsWith("/actions/", StringComparison.Ordinal))
        {
            await Act(request, response, path["/actions/".Length..]);
            return;
        }

        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            await Text(response, StatusCodes.Status405MethodNotAllowed, "use GET, or POST below /actions/");
            return;
        }

        await (path switch
        {
            "/" => Page(response),
            "/status" => Write(response, Json, JsonSerializer.SerializeToUtf8Bytes(sources.Figures().Status, ControlJson.Default.StatusDocument)),
            "/history" => Write(response, Json, JsonSerializer.SerializeToUtf8Bytes(monitor.Samples, AdminJson.Default.IReadOnlyListAdminSample)),
            "/logs" => Logs(request, response),
            "/events" => Events(context),
            "/metrics" => Write(response, PrometheusText.ContentType, Encoding.UTF8.GetBytes(PrometheusText.Of(sources.Figures()))),
            "/healthz" => Health(response),
            "/readyz" => Readiness(response),
            _ => Text(response, StatusCodes.Status404NotFound, "not found; available: /, /status, /events, /metrics, /healthz and /readyz"),
        });
    }

    /// <summary>Whether the request is a health check, which needs no token and is never refused for lack of room.</summary>
    public static bool IsHealthCheck(HttpRequest request) => request.Path.Value is "/healthz" or "/readyz";

    /// <summary>Refuses a request because too many are running.</summary>
    public static Task Refuse(HttpResponse response)
    {
        SetHeaders(response);
        return Text(response, StatusCodes.Status503ServiceUnavailable, "too many requests at once: close a page or a stream of events");
    }

    private static void SetHeaders(HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.XFrameOptions = "DENY";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers.ContentSecurityPolicy = AdminPage.ContentSecurityPolicy;
    }

    private static Task Page(HttpResponse response) => Write(response, "text/html; charset=utf-8", AdminPage.Bytes);

    private Task Health(HttpResponse response)
    {
        var silence = sources.Silence();
        return silence < LongestSilence
            ? Text(response, StatusCodes.Status200OK, "ok")
            : Text(response, StatusCodes.Status503ServiceUnavailable, string.Create(CultureInfo.InvariantCulture, $"the supervisor's thread has not responded for {silence.TotalSeconds:0} s"));
    }

    private Task Readiness(HttpResponse response)
    {
        var status = sources.Figures().Status;
        var serving = status.Workers.Count(static worker => worker.State == WorkerPhase.Serving);
        var isReady = IsReady(status.State, serving, status.WorkersTarget);
        return Text(
            response,
            isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
            $"{NoticeReporter.Name(status.State)}: {serving} of {status.WorkersTarget} {(status.WorkersTarget == 1 ? "worker" : "workers")} serving");
    }

    /// <summary>Whether a balancer should send traffic here: not while stopping, and only while at least half of the workers serve.</summary>
    public static bool IsReady(SupervisorPhase state, int serving, int target) => state != SupervisorPhase.Stopping && serving > 0 && serving * 2 >= target;

    private Task Logs(HttpRequest request, HttpResponse response)
    {
        var worker = int.TryParse((string?)request.Query["worker"], NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : (int?)null;
        var entries = sources.Journal.Newest(LinesShown, worker is { } one ? WorkerStory.Concerning(one, sources.State()) : static _ => true);
        return Write(response, Json, JsonSerializer.SerializeToUtf8Bytes([.. entries.Select(LogLine.Of)], AdminJson.Default.IReadOnlyListLogLine));
    }

    // Server-sent events: a frame each second, and the journal's events with it.
    private async Task Events(HttpContext context)
    {
        var response = context.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var (entries, after) = sources.Journal.Read(0, EventsAtFirst, worker: null, eventsOnly: true);
        try
        {
            while (!ended.IsCancellationRequested)
            {
                var next = monitor.Next;
                if (entries.Count > 0)
                {
                    await Send(response, "lines", JsonSerializer.SerializeToUtf8Bytes([.. entries.Select(LogLine.Of)], AdminJson.Default.IReadOnlyListLogLine), ended.Token);
                }

                await Send(response, "frame", JsonSerializer.SerializeToUtf8Bytes(monitor.Latest, AdminJson.Default.AdminFrame), ended.Token);
                await next.WaitAsync(ended.Token);
                (entries, after) = sources.Journal.Read(after, EventsAtFirst, worker: null, eventsOnly: true);
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // The page was closed, or the supervisor is stopping.
        }
    }

    private static async Task Send(HttpResponse response, string kind, ReadOnlyMemory<byte> json, CancellationToken cancellation)
    {
        await response.Body.WriteAsync(Encoding.UTF8.GetBytes($"event: {kind}\ndata: "), cancellation);
        await response.Body.WriteAsync(json, cancellation);
        await response.Body.WriteAsync("\n\n"u8.ToArray(), cancellation);
        await response.Body.FlushAsync(cancellation);
    }

    private async Task Act(HttpRequest request, HttpResponse response, string action)
    {
        if (_guard.RefusesAction(request) is { } refusal)
        {
            await Text(response, refusal.Status, refusal.Why);
            return;
        }

        if (!Actions.Contains(action))
        {
            await Text(response, StatusCodes.Status404NotFound, $"unknown action '{action}'; available: {string.Join(", ", Actions)}");
            return;
        }

        try
        {
            var body = request.ContentLength is > 0 ? await JsonSerializer.DeserializeAsync(request.Body, AdminJson.Default.AdminAction, stopping) : null;
            var command = new ControlRequest { Command = action, Worker = body?.Worker, Workers = body?.Workers };
            var answer = await Task.Run(() => sources.Act(command), stopping);
            await Write(response, Json, JsonSerializer.SerializeToUtf8Bytes(answer, ControlJson.Default.ControlResponse));
        }
        catch (JsonException)
        {
            await Text(response, StatusCodes.Status400BadRequest, "the body must be JSON such as {\"workers\":4}");
        }
        catch (ControlException refused)
        {
            await Text(response, StatusCodes.Status409Conflict, refused.Message);
        }
    }

    private static Task Text(HttpResponse response, int status, string text)
    {
        response.StatusCode = status;
        return Write(response, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text + "\n"));
    }

    private static async Task Write(HttpResponse response, string type, ReadOnlyMemory<byte> body)
    {
        response.ContentType = type;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(response.HttpContext.Request.Method))
        {
            await response.Body.WriteAsync(body);
        }
    }
}
