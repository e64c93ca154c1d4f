using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Workers;

// A worker's text becomes part of our lines: it must not begin a line of its own, nor control a terminal. A worker cleans what
// its clients sent, but a compromised one does not.

/// <summary>Makes a worker's message safe to show.</summary>
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
