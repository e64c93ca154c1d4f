using KestrelGreenTransport.Contract;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Settings;

/// <summary>
/// Fills the options from text, after all code has set them: first from the section <c>GreenTransport</c>, then from
/// <c>GREEN_*</c> variables, in which a supervisor passes on its own command line.
/// </summary>
internal sealed class ConfigureFromText(IConfiguration configuration, IEnvironment environment, WorkerContract? contract = null) : IPostConfigureOptions<GreenTransportOptions>
{
    /// <exception cref="OptionsValidationException">A text has the wrong form; the message names setting, value, form and source.</exception>
    public void PostConfigure(string? name, GreenTransportOptions options)
    {
        var failures = new List<string>();
        var section = configuration.GetSection(GreenTransportOptions.SectionName);
        foreach (var setting in TransportSettings.All)
        {
            Set(setting, Text(section.GetSection(setting.Name), setting.IsList), $"{GreenTransportOptions.SectionName}:{setting.Name}");
            Set(setting, environment.Get(setting.Variable), setting.Variable);
        }

        // A supervisor passes on its default, too, because it enforces it: that value was not chosen by the operator.
        if (contract is not null && options.GracefulTimeout == GreenTransportOptions.DefaultGracefulTimeout
            && options.Sources.TryGetValue(nameof(options.GracefulTimeout), out var from) && from.StartsWith("GREEN_", StringComparison.Ordinal))
        {
            options.TakeGracefulTimeoutForDefault();
        }

        if (failures.Count != 0)
        {
            throw new OptionsValidationException(nameof(GreenTransportOptions), typeof(GreenTransportOptions), failures);
        }

        // A list may be one text with commas, or a JSON array.
        static string? Text(IConfigurationSection section, bool isList) =>
            isList && section.Value is null ? string.Join(',', section.GetChildren().Select(static one => one.Value)) : section.Value;

        void Set(Setting<GreenTransportOptions> setting, string? text, string source)
        {
            text = text?.Trim();
            if (string.IsNullOrEmpty(text))
            {
                return;
            }

            options.Sources[setting.Name] = source;
            if (setting.Take(options, text, inAnyRange: true) is { } wrong)
            {
                failures.Add($"{setting.Name} ('{text}', from {source}) {wrong}.");
            }
        }
    }
}
