using System.Globalization;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Binding;

/// <summary>systemd's socket activation (sd_listen_fds): descriptors from 3 on, meant for the process that LISTEN_PID names.</summary>
internal static class SystemdSockets
{
    /// <summary>The first descriptor.</summary>
    public const int First = 3;

    // More than any process has: a wrong number must not prevent the start.
    private const int Most = 1 << 20;

    /// <summary>How many descriptors these values of LISTEN_PID and LISTEN_FDS pass to this process; null if they are for another one.</summary>
    public static int? Count(string? pid, string? count, int self) =>
        int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var meant)
        && meant == self
        && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number <= Most
            ? number
            : null;

    /// <summary>The listening sockets among them. The variables are removed, as sd_listen_fds(unset_environment) does.</summary>
    public static IReadOnlyList<InheritedSocket> Take()
    {
        if (!OperatingSystem.IsLinux()
            || Count(Environment.GetEnvironmentVariable(ContractVariables.ListenPid), Environment.GetEnvironmentVariable(ContractVariables.ListenFds), Libc.getpid()) is not { } count)
        {
            return [];
        }

        foreach (var name in new[] { ContractVariables.ListenPid, ContractVariables.ListenFds, ContractVariables.ListenFdNames })
        {
            _ = ContractVariables.Take(name);
        }

        return [.. Enumerable.Range(First, count).Select(InheritedSocket.AdoptFromSystemd).OfType<InheritedSocket>()];
    }
}
