using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Tests;

/// <summary>The environment of worker 1, with one more variable.</summary>
internal sealed class WorkerVariables(string name, string value)
{
    public string? Take(string asked) => asked == name ? value : asked == ContractVariables.Worker ? "1" : null;
}
