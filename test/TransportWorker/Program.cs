// The transport in its own process, for what a test cannot do to itself: no descriptors left, systemd's variables.
using TransportWorker;

Descriptors.StartThreads();
if (Environment.GetEnvironmentVariable("FIN_ON_ERROR") is not null)
{
    AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.FinOnError", true);
}

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
if (builder.Configuration["Transport"] is not "Stock")
{
    builder.WebHost.UseGreenTransport();
}

builder.Services.AddSingleton<AcceptErrors>();
builder.Services.AddSingleton<Descriptors>();

var app = builder.Build();
app.Services.GetRequiredService<AcceptErrors>();
app.MapGet("/", () => "hello");
app.MapGet("/abort", (HttpContext context) => context.Abort());
app.MapGet("/env", (string name) => Environment.GetEnvironmentVariable(name) ?? "(none)");
app.MapGet("/accept-errors", (AcceptErrors errors) => $"{errors.Count}");
app.MapGet("/cpu", () => $"{Environment.CpuUsage.TotalTime.TotalMilliseconds:0}");
app.MapPost("/exhaust", (Descriptors descriptors) => $"{descriptors.Exhaust()}");
app.MapPost("/release", (Descriptors descriptors) => $"{descriptors.Release()}");
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"serving {string.Join(' ', app.Urls)}"));
app.Run();
