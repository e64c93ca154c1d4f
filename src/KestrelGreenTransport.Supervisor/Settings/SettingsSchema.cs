using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using KestrelGreenTransport.Settings;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>JSON schemas of the settings files, generated from the catalogues, for completion and validation in editors.</summary>
internal static class SettingsSchema
{
    private const string Draft = "http://json-schema.org/draft-07/schema#";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The files that have a schema.</summary>
    public static readonly IReadOnlyList<string> Files = [SettingsLoader.GreenJson, "appsettings.json"];

    /// <summary>The schema of one of <see cref="Files"/>.</summary>
    public static string Of(string file)
    {
        var schema = file == SettingsLoader.GreenJson ? Supervisor() : AppSettings();
        schema.Insert(0, "$schema", Draft);
        return schema.ToJsonString(Indented) + "\n";
    }

    private static JsonObject Supervisor() => new()
    {
        ["title"] = "Settings of the KestrelGreenTransport supervisor (green.json)",
        ["type"] = "object",
        ["properties"] = Supervisors(),
        ["additionalProperties"] = false,
    };

    private static JsonObject AppSettings()
    {
        var supervisor = new JsonObject
        {
            ["description"] = "Settings of the KestrelGreenTransport supervisor.",
            ["type"] = "object",
            ["properties"] = Supervisors(),
            ["additionalProperties"] = false,
        };
        var transport = new JsonObject
        {
            ["description"] = "Settings of the KestrelGreenTransport transport, in each worker or in an app without a supervisor.",
            ["type"] = "object",
            ["properties"] = Properties(TransportSettings.All),
            ["additionalProperties"] = false,
        };
        return new JsonObject
        {
            ["title"] = "KestrelGreenTransport sections of appsettings.json",
            ["type"] = "object",
            ["properties"] = new JsonObject { [AppConfiguration.Section] = supervisor, ["GreenTransport"] = transport },
        };
    }

    private static JsonObject Supervisors()
    {
        var properties = Properties(SettingsCatalogue.All);
        properties.Insert(0, SettingsLoader.SchemaKey, new JsonObject { ["type"] = "string" });
        return properties;
    }

    private static JsonObject Properties<TOptions>(IEnumerable<Setting<TOptions>> settings)
        where TOptions : class
    {
        var properties = new JsonObject();
        foreach (var setting in settings)
        {
            var property = Form(setting);
            property.Insert(0, "description", $"{setting.Help} Allowed: {setting.Range}. Default: {setting.Default}.".Replace("`", "", StringComparison.Ordinal));
            properties.Add(setting.Name, property);
        }

        return properties;
    }

    private static JsonObject Form<TOptions>(Setting<TOptions> setting)
        where TOptions : class =>
        setting switch
        {
            { IsList: true } => new JsonObject
            {
                ["type"] = new JsonArray("string", "array"),
                ["items"] = new JsonObject { ["type"] = "string" },
            },
            { Choices.Length: > 0 } => new JsonObject { ["enum"] = new JsonArray([.. setting.Choices.Select(static choice => JsonValue.Create(choice))]) },
            { Shape: ValueShape.Number, None: { } none } => new JsonObject
            {
                ["anyOf"] = new JsonArray(
                    new JsonObject { ["type"] = "integer", ["minimum"] = setting.From, ["maximum"] = setting.To },
                    new JsonObject { ["const"] = none }),
            },
            { Shape: ValueShape.Number } => new JsonObject { ["type"] = "integer", ["minimum"] = setting.From, ["maximum"] = setting.To },
            { Shape: ValueShape.Duration } => new JsonObject { ["type"] = new JsonArray("string", "number"), ["minimum"] = 0 },
            { Shape: ValueShape.Flag } => new JsonObject { ["type"] = "boolean" },
            _ => new JsonObject { ["type"] = new JsonArray("string", "number", "boolean") },
        };
}
