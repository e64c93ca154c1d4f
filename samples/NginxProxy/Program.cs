using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.HttpOverrides;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseGreenTransport();
builder.Services.Configure<ForwardedHeadersOptions>(options =>
{
    options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;

    // Over TCP nginx connects from loopback, which is known by default. It is set here as a reminder for the day when nginx
    // moves to another machine: then name that machine, and only that one.
    options.KnownProxies.Clear();
    options.KnownProxies.Add(IPAddress.Loopback);
    options.KnownProxies.Add(IPAddress.IPv6Loopback);
});

var app = builder.Build();

// Over a Unix socket there is no remote address that could be known, and the middleware would ignore the headers. The socket
// file's permissions decide which users may connect, so a client is as trusted as the loopback address.
app.Use((context, next) =>
{
    context.Connection.RemoteIpAddress ??= IPAddress.Loopback;
    return next(context);
});
app.UseForwardedHeaders();
app.UseWebSockets();

app.MapGet("/", (HttpContext context) =>
    $"{context.Request.Scheme}://{context.Request.Host} for {context.Connection.RemoteIpAddress}, from process {Environment.ProcessId}\n");

app.Map("/echo", async (HttpContext context) =>
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
        return;
    }

    using var socket = await context.WebSockets.AcceptWebSocketAsync();
    var buffer = new byte[4096];
    while (true)
    {
        var received = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
        if (received.MessageType == WebSocketMessageType.Close)
        {
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "closed by the client", context.RequestAborted);
            return;
        }

        await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
    }
});

app.Run();
