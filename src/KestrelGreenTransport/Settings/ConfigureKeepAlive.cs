using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Settings;

/// <summary>Passes KeepAlive on to Kestrel. It overrides what the app set in code: an operator's setting wins.</summary>
internal sealed class ConfigureKeepAlive(IOptions<GreenTransportOptions> transport) : IPostConfigureOptions<KestrelServerOptions>
{
    public void PostConfigure(string? name, KestrelServerOptions options)
    {
        try
        {
            if (transport.Value.KeepAlive is { } keepAlive)
            {
                options.Limits.KeepAliveTimeout = keepAlive;
            }
        }
        catch (OptionsValidationException)
        {
            // Kestrel's options are read when the app is built; invalid settings are reported when it starts.
        }
    }
}
