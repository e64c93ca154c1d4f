using KestrelGreenTransport.Supervisor.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Supervisor.Embedding;

/// <summary>The host's shutdown time-out must be longer than the supervisor's, or it would cut off requests that may still finish.</summary>
internal sealed class OutlastGrace(SupervisedApp app) : IPostConfigureOptions<HostOptions>
{
    private static readonly TimeSpan Margin = ArbiterSettings.GraceMargin + TimeSpan.FromSeconds(5);

    public void PostConfigure(string? name, HostOptions options)
    {
        var needed = app.GracefulTimeout + Margin;
        if (options.ShutdownTimeout != Timeout.InfiniteTimeSpan && options.ShutdownTimeout < needed)
        {
            options.ShutdownTimeout = needed;
        }
    }
}
