using KestrelGreenTransport;
using KestrelGreenTransport.Supervisor;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

const string Service = "shop";

// The supervisor is a process of its own, and exports what it knows: how many workers there are, their state, and how long
// boots and reloads took.
using (Exporters? _ = Exporters.OfSupervisor(Service))
{
    if (await GreenSupervisor.TryRunAsync(args) is { } code)
    {
        return code;
    }
}

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseGreenTransport();
builder.Services.AddOpenTelemetry()
    .ConfigureResource(static resource => resource.AddDetector(static services => new Worker(services.GetRequiredService<IGreenWorker>())))
    .WithMetrics(static metrics => metrics.AddMeter("KestrelGreenTransport", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel"))
    .WithTracing(static tracing => tracing.AddSource("Microsoft.AspNetCore"))
    .UseOtlpExporter();

var app = builder.Build();
app.MapGet("/", static (IGreenWorker worker) => $"Hello from worker {worker.Index}\n");
app.Run();
return 0;

/// <summary>
/// A worker's identity in its metrics: its index, which stays the same when its process is replaced. By default each process
/// gets a new instance name, and every reload would begin new time series.
/// </summary>
internal sealed class Worker(IGreenWorker worker) : IResourceDetector
{
    public Resource Detect() =>
        ResourceBuilder.CreateEmpty().AddService("shop", serviceInstanceId: $"{Environment.MachineName}-{worker.Index}").Build();
}

/// <summary>What the supervisor exports while it runs.</summary>
internal sealed class Exporters(MeterProvider metrics, TracerProvider traces) : IDisposable
{
    /// <summary>Null in a worker, whose own providers come with its host.</summary>
    public static Exporters? OfSupervisor(string service)
    {
        if (Environment.GetEnvironmentVariable("GREEN_WORKER") is not null)
        {
            return null;
        }

        var resource = ResourceBuilder.CreateDefault().AddService(service, serviceInstanceId: $"{Environment.MachineName}-supervisor");
        return new Exporters(
            Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter("KestrelGreenTransport.Supervisor").AddOtlpExporter().Build(),
            Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource("KestrelGreenTransport.Supervisor").AddOtlpExporter().Build());
    }

    public void Dispose()
    {
        metrics.Dispose();
        traces.Dispose();
    }
}
