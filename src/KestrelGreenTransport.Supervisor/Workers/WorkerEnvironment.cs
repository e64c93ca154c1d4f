using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Privileges;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>The environment that a worker gets: the supervisor's own, less what is not for it, plus the contract.</summary>
internal static class WorkerEnvironment
{
    // Where the app should listen is said by the inherited listeners once binds were asked for.
    private static readonly string[] UrlVariables =
    [
        "ASPNETCORE_URLS", "DOTNET_URLS", "URLS", "ASPNETCORE_HTTP_PORTS", "DOTNET_HTTP_PORTS", "HTTP_PORTS",
        "ASPNETCORE_HTTPS_PORTS", "DOTNET_HTTPS_PORTS", "HTTPS_PORTS",
    ];

    private static readonly string[] ManagerVariables = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "FDSTORE"];

    /// <summary>The runtime's variables that the supervisor adds because neither the operator nor the app has set them.</summary>
    /// <param name="options">The supervisor's settings.</param>
    /// <param name="variables">The variables that are already set; those of <see cref="GreenSupervisorOptions.Env"/> are added to them.</param>
    /// <param name="runtimeConfig">The app's runtimeconfig.json; null if it is unknown.</param>
    public static IReadOnlyDictionary<string, string> Defaults(GreenSupervisorOptions options, Dictionary<string, string> variables, string? runtimeConfig)
    {
        foreach (var pair in options.Env)
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            variables[pair[..equals]] = pair[(equals + 1)..];
        }

        return WorkerDefaults.For(options, Environment.ProcessorCount, variables, runtimeConfig);
    }

    public static Dictionary<string, string> For(LaunchPlan plan, IReadOnlyDictionary<string, string> contract, WorkerIdentity? identity = null)
    {
        var variables = Self.Variables();
        foreach (var name in ContractVariables.All)
        {
            variables.Remove(name);
        }

        // An app does not need the key to its own supervisor.
        foreach (var secret in SettingsCatalogue.All.Where(static setting => setting.IsSecret))
        {
            variables.Remove(secret.Variable);
        }

        // The service manager talks to the supervisor, not to its workers.
        foreach (var name in ManagerVariables)
        {
            variables.Remove(name);
        }

        if (plan.ExplicitBinds)
        {
            foreach (var name in UrlVariables)
            {
                variables.Remove(name);
            }
        }

        foreach (var (name, value) in identity?.Variables ?? [])
        {
            variables[name] = value;
        }

        foreach (var (name, value) in Defaults(plan.Options, variables, AppFile.Beside(plan.App, ".runtimeconfig.json")))
        {
            variables[name] = value;
        }

        foreach (var (name, value) in plan.WorkerVariables)
        {
            variables[name] = value;
        }

        foreach (var (name, value) in contract)
        {
            variables[name] = value;
        }

        return variables;
    }
}
