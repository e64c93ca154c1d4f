using System.Globalization;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Binding;

/// <summary>systemd's socket activation (sd_listen_fds): descriptors from 3 on, meant for the process that LISTEN_PID names.</summary>
internal static class SystemdSockets
{
    private const int First = 3;

    // More than any process has: a number that is wrong must not cost a boot.
    private const int Most = 1 << 20;

    /// <summary>The listening ones among them; the variables are removed, as sd_listen_fds(unset_environment) does.</summary>
    public static IReadOnlyList<InheritedSocket> Take()
    {
        if (!OperatingSystem.IsLinux()
            || !int.TryParse(Environment.GetEnvironmentVariable(ContractVariables.ListenPid), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            || pid != Libc.getpid()
            || !int.TryParse(Environment.GetEnvironmentVariable(ContractVariables.ListenFds), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || count > Most)
        {
            return [];
        }

        foreach (var name in new[] { ContractVariables.ListenPid, ContractVariables.ListenFds, ContractVariables.ListenFdNames })
        {
            Environment.SetEnvironmentVariable(name, null);
        }

        return [.. Enumerable.Range(First, count).Select(InheritedSocket.AdoptFromSystemd).OfType<InheritedSocket>()];
    }
}
