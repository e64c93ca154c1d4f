using Grpc.Core;
using GrpcSample;
using KestrelGreenTransport.Supervisor;

// A client for trying it: call URL
if (args is ["call", var url])
{
    return await Caller.RunAsync(url);
}

if (await GreenSupervisor.TryRunAsync(args) is { } code)
{
    return code;
}

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseGreenTransport();
builder.Services.AddGrpc();

var app = builder.Build();
app.MapGrpcService<GreeterService>();
app.Run();
return 0;

internal sealed class GreeterService : Greeter.GreeterBase
{
    public override Task<GreetReply> Greet(GreetRequest request, ServerCallContext context) =>
        Task.FromResult(new GreetReply { Text = $"hello {request.Name}", Process = Environment.ProcessId });

    public override async Task Count(CountRequest request, IServerStreamWriter<CountReply> responseStream, ServerCallContext context)
    {
        for (var number = 1; number <= request.To; number++)
        {
            await responseStream.WriteAsync(new CountReply { Number = number, Process = Environment.ProcessId }, context.CancellationToken);
            await Task.Delay(100, context.CancellationToken);
        }
    }
}
