using KestrelGreenTransport.Supervisor;

// The supervisor starts this program again, once for each worker; there TryRunAsync returns null and the app runs.
if (await GreenSupervisor.TryRunAsync(args) is { } code)
{
    return code;
}

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseGreenTransport();

var app = builder.Build();
app.MapGet("/", () => $"Hello from process {Environment.ProcessId}\n");
app.Run();
return 0;
