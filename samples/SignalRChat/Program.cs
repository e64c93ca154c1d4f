using KestrelGreenTransport;
using KestrelGreenTransport.Supervisor;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using SignalRChat;
using StackExchange.Redis;

// A chat client in a terminal, for trying it: join URL NAME
if (args is ["join", var url, var name])
{
    return await Chatter.RunAsync(new Uri(url), name);
}

if (await GreenSupervisor.TryRunAsync(args) is { } code)
{
    return code;
}

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseGreenTransport();
var signalR = builder.Services.AddSignalR();

// Each worker knows only its own clients. The backplane passes messages on to the clients of the other workers.
if (builder.Configuration["Redis"] is { Length: > 0 } redis)
{
    signalR.AddStackExchangeRedis(redis, static options => options.Configuration.ChannelPrefix = RedisChannel.Literal("chat"));
}

var app = builder.Build();

// Only WebSockets: all other transports need several requests, and each may reach another worker, which does not know the connection.
app.MapHub<Chat>("/chat", static options => options.Transports = HttpTransportType.WebSockets);
app.MapGet("/", static (IGreenWorker worker) => $"{worker.Index}");
app.Run();
return 0;

internal sealed class Chat(IGreenWorker worker) : Hub
{
    public Task Say(string name, string text) => Clients.All.SendAsync("Said", $"{name}, in worker {worker.Index}: {text}");
}
