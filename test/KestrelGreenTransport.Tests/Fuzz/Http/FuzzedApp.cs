using System.Buffers;
using System.Globalization;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Tests.Fuzz.Http;

/// <summary>An app whose handlers behave like real ones: well and badly.</summary>
internal static class FuzzedApp
{
    private const string OnPurpose = "thrown on purpose";

    public static Task<ServedApp> StartAsync(ServedBy by) => ServedApp.StartAsync(
        by,
        static app => app.Run(static context => HandleOrTellAsync(context)),
        kestrel: static options =>
        {
            options.AllowSynchronousIO = true;

            // No outcome may depend on the machine's speed.
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MinResponseDataRate = null;
            options.Limits.MaxRequestBodySize = 1_000_000;
        },
        configure: static options => options.EventLoops = 2);

    // The exceptions that a handler gets for forbidden calls are compared, too.
    private static async Task HandleOrTellAsync(HttpContext context)
    {
        try
        {
            await HandleAsync(context);
        }
        catch (Exception exception) when (exception is not IOException && exception.Message != OnPurpose && !context.Response.HasStarted)
        {
            context.Response.StatusCode = 500;
            await context.Response.WriteAsync(exception.ToString());
        }
    }

    private static async Task HandleAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var parts = request.Path.Value!.Split('/');
        int Number(int index) => parts.Length > index && int.TryParse(parts[index], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        switch (parts.ElementAtOrDefault(1))
        {
            case "hello":
                response.ContentLength = Number(2);
                await response.Body.WriteAsync(Content(Number(2)));
                break;
            case "stream":
                for (var i = 0; i < Number(2); i++)
                {
                    await response.Body.WriteAsync(Content(Number(3)));
                    await response.Body.FlushAsync();
                }

                break;
            case "throw":
                throw new InvalidOperationException(OnPurpose);
            case "throw-late":
                await response.WriteAsync("begun");
                await response.Body.FlushAsync();
                throw new InvalidOperationException(OnPurpose);
            case "abort":
                context.Abort();
                break;
            case "sleep":
                Thread.Sleep(Number(2));
                await response.WriteAsync("slept");
                break;
            case "wait":
                Task.Delay(1).GetAwaiter().GetResult();
                await response.WriteAsync("waited");
                break;
            case "yield":
                await Task.Yield();
                await response.WriteAsync("yielded");
                break;
            case "complete":
                await response.WriteAsync("complete");
                await response.CompleteAsync();
                Thread.Sleep(1);
                break;
            case "late":
                await response.WriteAsync("early, ");
                await response.Body.FlushAsync();
                Thread.Sleep(1);
                await response.WriteAsync("late");
                break;
            case "trailers":
                await request.Body.CopyToAsync(Stream.Null);
                await response.WriteAsync($"trailer: {(request.SupportsTrailers() && request.CheckTrailersAvailable() ? request.GetTrailer("Sum") : "none")}");
                break;
            case "status":
                response.StatusCode = Number(2);
                break;
            case "pipe":
                response.BodyWriter.GetSpan(Number(2))[..Number(2)].Fill((byte)'p');
                response.BodyWriter.Advance(Number(2));
                await response.BodyWriter.FlushAsync();
                break;
            case "upgrade" when context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade:
                await using (var stream = await upgrade.UpgradeAsync())
                {
                    var buffer = new byte[1000];
                    while (await stream.ReadAsync(buffer) is > 0 and var length)
                    {
                        await stream.WriteAsync(buffer.AsMemory(0, length));
                    }
                }

                break;
            default:
                await HandleBodyAsync(request, response, parts.ElementAtOrDefault(1), Number(2));
                break;
        }
    }

    private static async Task HandleBodyAsync(HttpRequest request, HttpResponse response, string? path, int number)
    {
        switch (path)
        {
            case "echo":
                using (var body = new MemoryStream())
                {
                    await request.Body.CopyToAsync(body);
                    response.ContentLength = body.Length;
                    body.Position = 0;
                    await body.CopyToAsync(response.Body);
                }

                break;
            case "echo-stream":
                var buffer = new byte[3000];
                while (await request.Body.ReadAsync(buffer) is > 0 and var length)
                {
                    await response.Body.WriteAsync(buffer.AsMemory(0, length));
                    await response.Body.FlushAsync();
                }

                break;
            case "echo-pipe":
                for (var i = 0; ; i++)
                {
                    var read = await request.BodyReader.ReadAsync();
                    if (!read.IsCompleted && i % 3 == 0)
                    {
                        // Not enough: examines everything, and consumes nothing.
                        request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                        continue;
                    }

                    foreach (var segment in read.Buffer)
                    {
                        response.BodyWriter.Write(segment.Span);
                    }

                    request.BodyReader.AdvanceTo(read.Buffer.End);
                    await response.BodyWriter.FlushAsync();
                    if (read.IsCompleted)
                    {
                        break;
                    }
                }

                break;
            case "partial":
                var some = new byte[number];
                await response.WriteAsync($"{await request.Body.ReadAtLeastAsync(some, number, throwOnEndOfStream: false)}");
                break;
            case "sync-body":
                using (var reader = new StreamReader(request.Body))
                {
                    await response.WriteAsync($"{reader.ReadToEnd().Length}");
                }

                break;
            case "early":
                await response.WriteAsync("early");
                break;
            default:
                response.StatusCode = 404;
                break;
        }
    }

    private static byte[] Content(int length)
    {
        var content = new byte[length];
        Bytes.Fill(content, 0);
        return content;
    }
}
