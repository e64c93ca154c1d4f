using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Workers;

// What a worker says goes into lines of ours: it must begin none of its own, nor steer a terminal. A worker cleans what its
// clients sent; one that was taken over does not.

/// <summary>A worker's message as the supervisor may show it.</summary>
internal static class WorkerText
{
    public static LifelineMessage Of(LifelineMessage message) => message with
    {
        Message = Of(message.Message),
        Method = Of(message.Method),
        Path = Of(message.Path),
        InFlight = message.InFlight is { } requests
            ? [.. requests.Select(static one => one is null ? one! : one with { Method = Of(one.Method)!, Path = Of(one.Path)! })]
            : null,
    };

    private static string? Of(string? text) => text is null ? null : TerminalText.OneLine(text);
}
