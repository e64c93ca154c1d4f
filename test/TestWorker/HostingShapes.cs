namespace TestWorker;

/// <summary>
/// Apps that are not built with <c>WebApplication.CreateBuilder</c>. The variable TESTWORKER_SHAPE says which, followed by urls
/// if it needs them: <c>two-hosts http://… http://…</c>. Each answers "/" with its own word.
/// </summary>
internal static class HostingShapes
{
    private static readonly string[] Parts = (Environment.GetEnvironmentVariable("TESTWORKER_SHAPE") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);

    public static string? Shape => Parts is [var shape, ..] ? shape : null;

    public static Task RunAsync(string shape, string[] args) => shape switch
    {
        "web-host" => WebHostAsync(args),
        "startup" => Host.CreateDefaultBuilder(args).ConfigureWebHostDefaults(static web => web.UseGreenTransport().UseStartup<Startup>()).RunConsoleAsync(),
        "slim" => Mapped(WebApplication.CreateSlimBuilder(args), shape).RunAsync(),
        "empty" => EmptyAsync(),
        "two-hosts" => TwoHostsAsync(args),
        "worker-and-web" => WorkerAndWebAsync(args),
        "self-hosted" => SelfHostedAsync(args),
        "one-after-the-other" => OneAfterTheOtherAsync(args),
        _ => throw new InvalidOperationException($"TESTWORKER_SHAPE={shape} is not known."),
    };

    // Obsolete, but old apps use it.
#pragma warning disable ASPDEPR004, ASPDEPR008
    private static Task WebHostAsync(string[] args) =>
        Microsoft.AspNetCore.WebHost.CreateDefaultBuilder(args).UseGreenTransport().UseStartup<Startup>().Build().RunAsync();
#pragma warning restore ASPDEPR004, ASPDEPR008

    private static Task EmptyAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddEnvironmentVariables("ASPNETCORE_");
        builder.WebHost.UseKestrelCore();
        builder.WebHost.UseGreenTransport();
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        app.Run(static context => context.Response.WriteAsync("empty"));
        return app.RunAsync();
    }

    private static Task TwoHostsAsync(string[] args)
    {
        var publicly = Mapped(WebApplication.CreateSlimBuilder(args), "public", Parts[1]);
        var admin = Mapped(WebApplication.CreateSlimBuilder(args), "admin", Parts[2]);
        return Task.WhenAll(publicly.RunAsync(), admin.RunAsync());
    }

    private static Task WorkerAndWebAsync(string[] args)
    {
        var worker = Host.CreateApplicationBuilder();
        worker.Services.AddHostedService<Waiting>();
        return Task.WhenAll(worker.Build().RunAsync(), Mapped(WebApplication.CreateSlimBuilder(args), "worker-and-web").RunAsync());
    }

    private static Task SelfHostedAsync(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.Services.AddHostedService<SelfHosted>();
        return builder.Build().RunAsync();
    }

    private static async Task OneAfterTheOtherAsync(string[] args)
    {
        var first = Mapped(WebApplication.CreateSlimBuilder(args), "first");
        await first.StartAsync();
        await first.StopAsync();
        await first.DisposeAsync();
        await Mapped(WebApplication.CreateSlimBuilder(args), "one-after-the-other").RunAsync();
    }

    private static WebApplication Mapped(WebApplicationBuilder builder, string answer, string? url = null)
    {
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseGreenTransport();
        if (url is not null)
        {
            builder.WebHost.UseUrls(url);
        }

        var app = builder.Build();
        app.MapGet("/", () => answer);
        return app;
    }

    private sealed class Startup
    {
        public static void Configure(IApplicationBuilder app) => app.Run(static context => context.Response.WriteAsync(Shape!));
    }

    private sealed class Waiting : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.Delay(Timeout.Infinite, stoppingToken);
    }

    private sealed class SelfHosted : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await using var app = Mapped(WebApplication.CreateSlimBuilder(), "self-hosted");
            await app.RunAsync(stoppingToken);
        }
    }
}
