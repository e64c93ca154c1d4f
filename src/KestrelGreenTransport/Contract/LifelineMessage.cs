using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace KestrelGreenTransport.Contract;

/// <summary>
/// One packet on the lifeline, told apart by <see cref="Type"/>. Fields that a type does not use are absent; unknown
/// types and fields are ignored, so that either end may be newer.
/// </summary>
internal sealed record LifelineMessage
{
    /// <summary>The largest packet, in bytes.</summary>
    public const int MaxSize = 64 * 1024;

    public required string Type { get; init; }

    /// <summary>hello: the contract that the worker speaks.</summary>
    public int? ContractVersion { get; init; }

    /// <summary>hello: the worker's process id.</summary>
    public int? Pid { get; init; }

    /// <summary>drain: how long requests in flight may still take, in milliseconds.</summary>
    public long? DeadlineMs { get; init; }

    /// <summary>failed: the exit code (docs/signals-and-exit-codes.md) that this failure means for the supervisor.</summary>
    public int? ExitCode { get; init; }

    /// <summary>failed, log: what a person should read.</summary>
    public string? Message { get; init; }

    public byte[] ToUtf8() => JsonSerializer.SerializeToUtf8Bytes(this, LifelineJson.Default.LifelineMessage);

    public static bool TryParse(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out LifelineMessage? message)
    {
        try
        {
            message = JsonSerializer.Deserialize(utf8, LifelineJson.Default.LifelineMessage);
        }
        catch (JsonException)
        {
            message = null;
        }

        return message is not null;
    }
}

/// <summary>The values of <see cref="LifelineMessage.Type"/>.</summary>
internal static class LifelineTypes
{
    /// <summary>Worker: I use the transport and speak this contract. Sent before anything is bound.</summary>
    public const string Hello = "hello";

    /// <summary>Worker: I am bound and accept connections.</summary>
    public const string Ready = "ready";

    /// <summary>Worker: I cannot start, and why. The process exits right after.</summary>
    public const string Failed = "failed";

    /// <summary>Supervisor: stop accepting, finish what you took, exit.</summary>
    public const string Drain = "drain";
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LifelineMessage))]
internal sealed partial class LifelineJson : JsonSerializerContext;
