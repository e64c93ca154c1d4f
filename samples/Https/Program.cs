using KestrelGreenTransport.Supervisor;

if (await GreenSupervisor.TryRunAsync(args) is { } code)
{
    return code;
}

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseGreenTransport();

var app = builder.Build();
app.MapGet("/", (HttpRequest request) => $"{request.Scheme}, {request.Protocol}, process {Environment.ProcessId}\n");

// Sends back the body, and says which process did.
app.MapPost("/echo", async (HttpRequest request) =>
{
    using var body = new StreamReader(request.Body);
    return $"{Environment.ProcessId} {await body.ReadToEndAsync()}";
});
app.Run();
return 0;
