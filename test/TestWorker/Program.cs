// An app that behaves until told not to: by routes once it is serving, by TESTWORKER_* variables at boot.
using Microsoft.AspNetCore.Server.Kestrel.Core;
using TestWorker;

if (await BootFaults.TryRunAsync(args) is { } code)
{
    return code;
}

if (BootFaults.Embed)
{
    var host = Host.CreateApplicationBuilder();
    host.Services.AddGreenSupervisor(System.Reflection.Assembly.GetExecutingAssembly().Location, args, options =>
    {
        options.Name = args[1];
        options.Workers = 2;
        options.Bind.Add("127.0.0.1:0");
    });
    host.Build().Run();
    return Environment.ExitCode;
}

Hostility.AtBoot();
BootFaults.Commit();
using var own = BootFaults.ListenByItself();

if (HostingShapes.Shape is { } shape)
{
    await HostingShapes.RunAsync(shape, args);
    return 0;
}

var builder = WebApplication.CreateBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
if (BootFaults.UsesGreenTransport)
{
    builder.WebHost.UseGreenTransport();
    if (BootFaults.SlowAfterCall is { } slow)
    {
        Thread.Sleep(slow);
    }
}
else
{
    // Another process may use the default port.
    builder.WebHost.UseUrls("http://127.0.0.1:0");
}

if (BootFaults.OwnEndpointPort is { } port)
{
    builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port));
}

if (BootFaults.Http2Port is { } http2)
{
    builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(listen =>
    {
        if (listen.IPEndPoint?.Port == http2)
        {
            listen.Protocols = HttpProtocols.Http2;
        }
    }));
}

if (LeaderFile.IsWanted)
{
    builder.Services.AddLeaderHostedService<LeaderFile>();
}

var app = builder.Build();
app.MapFacts(args);
app.MapMisbehaviour();
app.MapDeath();
app.MapHostility();
if (BootFaults.DiesAfter is { } life)
{
    app.Lifetime.ApplicationStarted.Register(() => new Thread(() =>
    {
        Thread.Sleep(life);
        throw new InvalidOperationException("served long enough");
    }).Start());
}

app.Run();
return 0;
