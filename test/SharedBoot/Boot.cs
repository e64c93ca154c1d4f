using KestrelGreenTransport.Supervisor;

namespace SharedBoot;

/// <summary>What all apps of a company begin with.</summary>
public static class Boot
{
    public static async Task<int?> TryRunAsync(string[] args) => await GreenSupervisor.TryRunAsync(args).ConfigureAwait(false);
}
