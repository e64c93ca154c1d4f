using System.Text.Json;
using System.Text.Json.Serialization;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>
/// An enum in the documents of the control socket: its name in camelCase. The first member promises nothing, so a name that only a newer
/// supervisor knows is read as that one.
/// </summary>
internal sealed class NameConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Enum.TryParse<T>(reader.GetString(), ignoreCase: true, out var value) ? value : default;

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(NoticeReporter.Name(value));
}
