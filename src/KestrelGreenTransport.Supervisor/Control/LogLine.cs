using System.Text.Json.Serialization;
using KestrelGreenTransport.Supervisor.Output;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>A line of a worker's output, or an event of the supervisor, as the control socket reports it.</summary>
internal sealed record LogLine
{
    public required long Sequence { get; init; }

    [JsonConverter(typeof(UtcMillisecondsConverter))]
    public required DateTimeOffset At { get; init; }

    /// <summary>The worker that wrote it, or that the event is about; null for an event that is not about one worker.</summary>
    public required int? Worker { get; init; }

    /// <summary>The pid of that worker; null if the event is not about a process. More exact than the index, which is reused.</summary>
    public required int? Pid { get; init; }

    /// <summary><c>out</c>, <c>error</c>; null for an event.</summary>
    public required string? Stream { get; init; }

    /// <summary>An event's level: <c>information</c>, <c>warning</c>, <c>error</c>, <c>critical</c>; null for a worker's line.</summary>
    public required string? Level { get; init; }

    /// <summary>An event's number and name (docs/observability.md); null for a worker's line.</summary>
    public required int? Id { get; init; }

    public required string? Event { get; init; }

    public required string Text { get; init; }

    public static LogLine Of(JournalEntry entry) => new()
    {
        Sequence = entry.Sequence,
        At = entry.At,
        Worker = entry.Worker,
        Pid = entry.Pid,
        Stream = entry.Stream switch
        {
            null => null,
            OutputStream.Error => "error",
            _ => "out",
        },
        Level = entry.IsEvent ? NameOf(entry.Level) : null,
        Id = entry.IsEvent ? entry.EventId.Id : null,
        Event = entry.IsEvent ? entry.EventId.Name : null,
        Text = entry.Text,
    };

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Critical => "critical",
        LogLevel.Error => "error",
        LogLevel.Warning => "warning",
        _ => "information",
    };
}
