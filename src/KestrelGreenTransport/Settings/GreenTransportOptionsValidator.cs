using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Settings;

/// <summary>Says which setting is out of its range, where it came from, and what to do.</summary>
internal sealed class GreenTransportOptionsValidator : IValidateOptions<GreenTransportOptions>
{
    public ValidateOptionsResult Validate(string? name, GreenTransportOptions options)
    {
        var problems = new List<SettingProblem>();
        foreach (var setting in TransportSettings.All)
        {
            if (setting.BrokenRule(options) is { } rule)
            {
                problems.Add(new SettingProblem(setting.Name, (setting.Shape == ValueShape.Mode ? "0" : "") + setting.Read(options)[0], rule));
            }
        }

        problems.AddRange(Together(options));
        return problems.Count == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(problems.Select(problem => $"{problem.Setting} ({problem.Value}{From(options, problem.Setting)}) must be {problem.Rule}."));
    }

    /// <summary>What is wrong with settings that depend on others.</summary>
    public static IEnumerable<SettingProblem> Together(GreenTransportOptions options)
    {
        if (options.AcceptMaxDelay < options.AcceptMinDelay)
        {
            yield return new SettingProblem(
                nameof(options.AcceptMaxDelay),
                OptionValue.Format(ValueShape.Duration, options.AcceptMaxDelay.Ticks),
                $"at least AcceptMinDelay ({OptionValue.Format(ValueShape.Duration, options.AcceptMinDelay.Ticks)}{From(options, nameof(options.AcceptMinDelay))}): the pause grows from one to the other");
        }

        if (options.ReusePort && !OperatingSystem.IsLinux())
        {
            yield return new SettingProblem(nameof(options.ReusePort), "True", "false on this system: only Linux distributes clients among the processes");
        }

        if (options.ProxyProtocol != GreenTransportProxyProtocol.Off && options.ProxyProtocolTrusted.Count == 0)
        {
            yield return new SettingProblem(
                nameof(options.ProxyProtocolTrusted), "empty", "the networks of your proxies: without any, only Unix sockets would be served");
        }
    }

    private static string From(GreenTransportOptions options, string setting) =>
        options.Sources.TryGetValue(setting, out var source) ? $", from {source}" : "";
}

/// <summary>A setting with a wrong value, and the rule that the value breaks, which completes "must be".</summary>
internal sealed record SettingProblem(string Setting, string Value, string Rule);
