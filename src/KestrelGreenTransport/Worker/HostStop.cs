using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Settings;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Worker;

/// <summary>How a worker stops one of its hosts.</summary>
internal sealed class HostStop(IHostApplicationLifetime lifetime, IOptions<HostOptions> host, IOptions<GreenTransportOptions> transport, Drain drain, StopCause cause)
{
    /// <summary>How long requests in flight of this host may take where the supervisor does not say.</summary>
    /// <exception cref="OptionsValidationException">A setting is wrong.</exception>
    public TimeSpan GracefulTimeout => transport.Value.GracefulTimeout;

    /// <summary>Begins; callbacks of the app run on a thread of their own. A shorter deadline that was set before stays.</summary>
    /// <param name="deadline">How long requests in flight may take.</param>
    public void Begin(TimeSpan deadline)
    {
        if (transport.Value is { FollowsHost: true, GracefulTimeout: var chosen } && chosen <= deadline)
        {
            // The app chose a shorter shutdown timeout, which the host has already.
            drain.LimitTo(chosen);
        }
        else
        {
            // The host reads this when it begins to stop. It outlasts the drain, which cuts off what is left at its own limit.
            drain.LimitTo(deadline);
            host.Value.ShutdownTimeout = deadline == TimeSpan.Zero ? deadline : deadline + ReconcileShutdownTimeout.Margin;
        }

        cause.Tell();
        drain.Begin();

        // On a thread of its own: callbacks of the app run within, and may block or starve for as long as they like.
        new Thread(() => ForeignCode.Run(static lifetime => lifetime.StopApplication(), lifetime)) { IsBackground = true, Name = "green-stop" }.Start();
    }
}
