using KestrelGreenTransport.Contract;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Settings;

// A value that was set wins over a default. If both were set and the host would give up first, GracefulTimeout wins, with a warning.

/// <summary>
/// Makes the host's ShutdownTimeout and our GracefulTimeout agree: the host must outlast the drain, or it would cut off
/// requests that may still finish.
/// </summary>
internal sealed class ReconcileShutdownTimeout(IOptions<GreenTransportOptions> transport, ILoggerFactory loggers) : IPostConfigureOptions<HostOptions>
{
    /// <summary>How much longer than GracefulTimeout the host needs, for what follows the drain.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    // The host's own default cannot be told from the same value set by the app; it counts as not set, which changes nothing.
    private static readonly TimeSpan HostDefault = new HostOptions().ShutdownTimeout;

    public void PostConfigure(string? name, HostOptions options)
    {
        GreenTransportOptions ours;
        try
        {
            ours = transport.Value;
        }
        catch (OptionsValidationException)
        {
            // The host reads its options before it starts; invalid settings are reported when it starts.
            return;
        }

        var host = options.ShutdownTimeout == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : options.ShutdownTimeout;
        var isHostSet = host != HostDefault;
        if (isHostSet && !ours.IsGracefulTimeoutSet)
        {
            ours.FollowHost(host < Longest ? host : Longest);
        }
        else if (isHostSet ? host < ours.GracefulTimeout : host < ours.GracefulTimeout + Margin)
        {
            options.ShutdownTimeout = ours.GracefulTimeout + Margin;
            if (isHostSet)
            {
                var source = ours.Sources.GetValueOrDefault(nameof(ours.GracefulTimeout), "code");
                Log.ShutdownTimeoutRaised(
                    loggers.CreateLogger(Log.Category), Text(host), Text(ours.GracefulTimeout), source, Text(options.ShutdownTimeout));
            }
        }
    }

    private static string Text(TimeSpan time) => Duration.Format(time);
}
