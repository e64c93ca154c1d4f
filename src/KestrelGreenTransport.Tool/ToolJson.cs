using System.Text.Json.Serialization;
using KestrelGreenTransport.Supervisor.Checking;
using KestrelGreenTransport.Supervisor.Control;

namespace KestrelGreenTransport.Tool;

/// <summary>What <c>green logs --json</c> prints (docs/observability.md).</summary>
internal sealed record LogsDocument
{
    public int SchemaVersion { get; init; } = 1;

    public required IReadOnlyList<LogLine> Lines { get; init; }

    /// <summary>The sequence of the youngest line that there was.</summary>
    public required long Next { get; init; }
}

/// <summary>What <c>green status N --json</c> prints.</summary>
internal sealed record WorkerDocument
{
    public int SchemaVersion { get; init; } = 1;

    /// <summary>The supervisor's name.</summary>
    public required string Name { get; init; }

    /// <summary>Null when the worker is gone: then the first of <see cref="Ended"/> is the one.</summary>
    public required WorkerStatus? Worker { get; init; }

    /// <summary>The processes that had this index, and those that it took over from; youngest first.</summary>
    public required IReadOnlyList<EndedStatus> Ended { get; init; }

    /// <summary>The requests that have been in flight for longest, ten at most; null when the worker did not say.</summary>
    public required IReadOnlyList<RequestStatus>? OldestRequests { get; init; }

    /// <summary>What the supervisor said of it and of those before it, oldest first.</summary>
    public required IReadOnlyList<LogLine> Events { get; init; }

    /// <summary>What it wrote last, oldest first.</summary>
    public required IReadOnlyList<LogLine> Lines { get; init; }

    /// <summary>What the first of <see cref="Ended"/> wrote last, oldest first.</summary>
    public required IReadOnlyList<LogLine> LastWords { get; init; }
}

/// <summary>What <c>green config --json</c> prints.</summary>
internal sealed record ConfigDocument
{
    public int SchemaVersion { get; init; } = 1;

    public required IReadOnlyList<ConfigSetting> Settings { get; init; }

    /// <summary>The runtime's variables that the supervisor adds for workers because neither the operator nor the app has set them.</summary>
    public required IReadOnlyDictionary<string, string> WorkerEnvironment { get; init; }

    public required IReadOnlyList<string> Problems { get; init; }

    public required IReadOnlyList<string> Warnings { get; init; }
}

/// <summary>One setting of <see cref="ConfigDocument"/>.</summary>
internal sealed record ConfigSetting
{
    public required string Name { get; init; }

    /// <summary>Empty when it is unset; several for a list.</summary>
    public required IReadOnlyList<string> Value { get; init; }

    /// <summary><c>default</c>, or where it was set.</summary>
    public required string Source { get; init; }

    public required string Default { get; init; }

    public required string Option { get; init; }

    public required string Variable { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, Converters = [typeof(UtcSecondsConverter)])]
[JsonSerializable(typeof(LogsDocument))]
[JsonSerializable(typeof(WorkerDocument))]
[JsonSerializable(typeof(ConfigDocument))]
[JsonSerializable(typeof(CheckDocument))]
internal sealed partial class ToolJson : JsonSerializerContext;
