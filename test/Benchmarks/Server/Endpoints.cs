using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Benchmarks.Server;

/// <summary>The scenarios' requests, one path each.</summary>
internal sealed class Endpoints(string? postgres) : IAsyncDisposable
{
    private const int OneInTwenty = 20;

    private static readonly byte[] Hello = "Hello, World!"u8.ToArray();
    private static readonly byte[] Mebibyte = [.. Enumerable.Repeat((byte)'x', 1024 * 1024)];

    private readonly WorldTable? _world = postgres is null ? null : new WorldTable(postgres);
    private uint _requests;

    public Task HandleAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/json" => JsonAsync(context),
        "/yield" => YieldAsync(context),
        "/sleep5pct" => SleepOneInTwentyAsync(context),
        "/sleepall" => SleepAsync(context),
        "/spin30us" => SpinAsync(context),
        "/spin5pct" => SpinOneInTwentyAsync(context),
        "/echo" => EchoAsync(context),
        "/mebibyte" => BytesAsync(context, Mebibyte),
        "/db" when _world is not null => DatabaseAsync(context, _world),
        "/plaintext" => HelloAsync(context),
        _ => NotFoundAsync(context),
    };

    public ValueTask DisposeAsync() => _world?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static Task HelloAsync(HttpContext context) => BytesAsync(context, Hello);

    private static Task BytesAsync(HttpContext context, byte[] body)
    {
        context.Response.ContentType = "text/plain";
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body).AsTask();
    }

    private static Task JsonAsync(HttpContext context) =>
        context.Response.WriteAsJsonAsync(new Message("Hello, World!"), MessageJson.Default.Message);

    private static async Task YieldAsync(HttpContext context)
    {
        await Task.Yield();
        await HelloAsync(context);
    }

    private static async Task SleepAsync(HttpContext context)
    {
        Thread.Sleep(100);
        await HelloAsync(context);
    }

    private async Task SleepOneInTwentyAsync(HttpContext context)
    {
        if (IsOneInTwenty())
        {
            Thread.Sleep(20);
        }

        await HelloAsync(context);
    }

    private static Task SpinAsync(HttpContext context)
    {
        Spin(TimeSpan.FromMicroseconds(30));
        return HelloAsync(context);
    }

    // Until 5 ms of wall-clock time are over, whether or not this thread had the core: if several threads share a core, the same
    // time counts for each of them.
    private async Task SpinOneInTwentyAsync(HttpContext context)
    {
        if (IsOneInTwenty())
        {
            Spin(TimeSpan.FromMilliseconds(5));
        }

        await HelloAsync(context);
    }

    private static async Task EchoAsync(HttpContext context)
    {
        context.Response.ContentLength = context.Request.ContentLength;
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync();
            foreach (var segment in read.Buffer)
            {
                context.Response.BodyWriter.Write(segment.Span);
            }

            reader.AdvanceTo(read.Buffer.End);
            await context.Response.BodyWriter.FlushAsync();
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    private static async Task DatabaseAsync(HttpContext context, WorldTable world)
    {
        var row = await world.AnyRowAsync();
        await context.Response.WriteAsJsonAsync(row, MessageJson.Default.World);
    }

    private static void Spin(TimeSpan time)
    {
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            Thread.SpinWait(20);
        }
    }

    private static Task NotFoundAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private bool IsOneInTwenty() => Interlocked.Increment(ref _requests) % OneInTwenty == 0;
}

internal readonly record struct Message([property: JsonPropertyName("message")] string Text);

[JsonSerializable(typeof(Message))]
[JsonSerializable(typeof(World))]
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
internal sealed partial class MessageJson : JsonSerializerContext;
