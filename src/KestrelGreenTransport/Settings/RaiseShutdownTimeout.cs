using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Settings;

/// <summary>The host's own patience must outlast GracefulTimeout, or it would cut requests off that may still finish.</summary>
internal sealed class RaiseShutdownTimeout(IOptions<GreenTransportOptions> transport) : IPostConfigureOptions<HostOptions>
{
    /// <summary>What the host needs beyond GracefulTimeout, for what follows the drain.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    public void PostConfigure(string? name, HostOptions options)
    {
        TimeSpan needed;
        try
        {
            needed = transport.Value.GracefulTimeout + Margin;
        }
        catch (OptionsValidationException)
        {
            // The host reads its options before it starts; the start is where wrong settings are reported.
            return;
        }

        if (options.ShutdownTimeout != Timeout.InfiniteTimeSpan && options.ShutdownTimeout < needed)
        {
            options.ShutdownTimeout = needed;
        }
    }
}
