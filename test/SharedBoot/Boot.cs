using KestrelGreenTransport.Supervisor;

namespace SharedBoot;

/// <summary>The start-up code that all apps of a company share.</summary>
public static class Boot
{
    public static async Task<int?> TryRunAsync(string[] args) => await GreenSupervisor.TryRunAsync(args).ConfigureAwait(false);
}
