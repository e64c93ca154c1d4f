using System.Globalization;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Hooks;

/// <summary>Runs one command for one event, with the facts in its environment. Of our descriptors it gets only standard error.</summary>
internal static class HookCommand
{
    private const string Shell = "/bin/sh";
    private const int StandardError = 2;

    /// <summary>Runs it to its end, or until the limit. Returns what went wrong, or null.</summary>
    public static string? Run(string command, GreenHookEvent happened, string name, TimeSpan limit)
    {
        var spawned = Spawn.Start(new SpawnRequest
        {
            FileName = Shell,
            Arguments = ["-c", command],
            Environment = Environment(happened, name),
            Descriptors = [(StandardError, 1), (StandardError, StandardError)],
        });
        using var process = spawned.Process;
        if (process is null)
        {
            return $"cannot start {Shell}: {spawned.Error}";
        }

        if (!process.WaitForEnd(limit))
        {
            // Together with all that it started: it leads its own process group.
            _ = Posix.kill(-process.Pid, Signals.SIGKILL);
            _ = process.WaitForEnd(limit);
            _ = process.Reap();
            return string.Create(CultureInfo.InvariantCulture, $"it took longer than {limit.TotalSeconds:0.#} s and was killed");
        }

        return process.Reap() is { Code: not 0 } status ? $"it {SupervisorLog.Describe(status)}" : null;
    }

    /// <summary>The supervisor's own environment, with the facts of the event.</summary>
    internal static Dictionary<string, string> Environment(GreenHookEvent happened, string name)
    {
        var variables = Self.Variables();

        // Only the supervisor talks to the service manager; the token authorizes actions; a supervisor started by a hook has its own hooks.
        variables.Remove("NOTIFY_SOCKET");
        variables.Remove(SettingsCatalogue.AdminToken.Variable);
        variables.Remove(SettingsCatalogue.Hook.Variable);

        // So that `green status` in a hook refers to this supervisor.
        variables["GREEN_NAME"] = name;
        Set("EVENT", HookNames.Of(happened.Hook));
        Set("SUPERVISOR_PID", System.Environment.ProcessId);
        Set("WORKER", happened.Worker);
        Set("PID", happened.Pid);
        Set("GENERATION", happened.Generation);
        Set("REASON", happened.Reason);
        Set("VERDICT", happened.Verdict);
        Set("EXIT_CODE", happened.ExitCode);
        Set("SIGNAL", happened.Signal);
        Set("FROM", happened.From);
        Set("TO", happened.To);
        return variables;

        void Set(string fact, IConvertible? value)
        {
            if (value is not null)
            {
                variables[$"GREEN_HOOK_{fact}"] = value.ToString(CultureInfo.InvariantCulture);
            }
        }
    }
}
