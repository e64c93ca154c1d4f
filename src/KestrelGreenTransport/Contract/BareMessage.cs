using System.Globalization;
using System.Text;
using System.Text.Json;

namespace KestrelGreenTransport.Contract;

// The runtime compiles about 250 methods before the serializer can write or read its first message: a tenth of the time from a
// worker's start to its first answer. Most boots, and the replacement of a worker that died, need only the messages below.

/// <summary>Short messages that clients may be waiting for. Written and read without the serializer.</summary>
internal static class BareMessage
{
    private static readonly string[] Types =
        [LifelineTypes.Hello, LifelineTypes.Ready, LifelineTypes.Open, LifelineTypes.SiblingDied, LifelineTypes.Leader];

    /// <summary>The message as a packet; null for any other message.</summary>
    public static byte[]? Write(LifelineMessage message)
    {
        if (!Types.Contains(message.Type)
            || message != new LifelineMessage { Type = message.Type, ContractVersion = message.ContractVersion, Pid = message.Pid, Index = message.Index, Yes = message.Yes })
        {
            return null;
        }

        var text = $"{{\"type\":\"{message.Type}\"";
        text += message.ContractVersion is { } version ? string.Create(CultureInfo.InvariantCulture, $",\"contractVersion\":{version}") : "";
        text += message.Pid is { } pid ? string.Create(CultureInfo.InvariantCulture, $",\"pid\":{pid}") : "";
        text += message.Index is { } index ? string.Create(CultureInfo.InvariantCulture, $",\"index\":{index}") : "";
        text += message.Yes is { } yes ? yes ? ",\"yes\":true" : ",\"yes\":false" : "";
        return Encoding.UTF8.GetBytes(text + "}");
    }

    /// <summary>The message in a packet; null for any other packet.</summary>
    /// <exception cref="JsonException">The packet is not JSON.</exception>
    public static LifelineMessage? Read(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8);
        string? type = null;
        int? version = null, pid = null, index = null;
        bool? yes = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }

        // An escape may be invalid text; the serializer decides about those.
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName && !reader.ValueIsEscaped)
        {
            var (isType, isVersion, isPid) = (reader.ValueTextEquals("type"u8), reader.ValueTextEquals("contractVersion"u8), reader.ValueTextEquals("pid"u8));
            var (isIndex, isYes) = (reader.ValueTextEquals("index"u8), reader.ValueTextEquals("yes"u8));
            _ = reader.Read();
            if (isType && reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped && Known(ref reader) is { } known)
            {
                type = known;
            }
            else if ((isVersion || isPid || isIndex) && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number))
            {
                version = isVersion ? number : version;
                pid = isPid ? number : pid;
                index = isIndex ? number : index;
            }
            else if (isYes && reader.TokenType is (JsonTokenType.True or JsonTokenType.False))
            {
                yes = reader.GetBoolean();
            }
            else
            {
                return null;
            }
        }

        // Anything after the object makes the reader throw.
        return type is not null && reader.TokenType == JsonTokenType.EndObject && !reader.Read()
            ? new LifelineMessage { Type = type, ContractVersion = version, Pid = pid, Index = index, Yes = yes }
            : null;
    }

    private static string? Known(ref Utf8JsonReader reader)
    {
        foreach (var type in Types)
        {
            if (reader.ValueTextEquals(type))
            {
                return type;
            }
        }

        return null;
    }
}
