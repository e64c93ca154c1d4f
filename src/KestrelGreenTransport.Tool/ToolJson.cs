using System.Text.Json.Serialization;
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

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LogsDocument))]
internal sealed partial class ToolJson : JsonSerializerContext;
