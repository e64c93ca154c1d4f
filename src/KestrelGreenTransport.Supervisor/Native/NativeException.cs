using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>A system call failed where its caller cannot carry on.</summary>
internal sealed class NativeException(string call, Result result) : IOException($"{call}: {Exhaustion.Explain(result)} (errno {result.Error})")
{
    public int Error { get; } = result.Error;
}
