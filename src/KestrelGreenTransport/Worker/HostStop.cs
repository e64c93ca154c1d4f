using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Settings;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Worker;

/// <summary>How a worker stops one of its hosts.</summary>
internal sealed class HostStop(IHostApplicationLifetime lifetime, IOptions<HostOptions> host, IOptions<GreenTransportOptions> transport, Drain drain, StopCause cause)
{
    /// <summary>How long this host's requests in flight may take if the supervisor does not say.</summary>
    /// <exception cref="OptionsValidationException">An option is invalid.</exception>
    public TimeSpan GracefulTimeout => transport.Value.GracefulTimeout;

    /// <summary>Begins; callbacks of the app run on a separate thread. A shorter deadline set before stays.</summary>
    /// <param name="deadline">How long requests in flight may take.</param>
    public void Begin(TimeSpan deadline)
    {
        if (transport.Value is { FollowsHost: true, GracefulTimeout: var chosen } && chosen <= deadline)
        {
            // The app chose a shorter shutdown timeout, which the host already has.
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

        // On a separate thread: it runs the app's callbacks, which may block or starve for as long as they like.
        new Thread(() => ForeignCode.Run(static lifetime => lifetime.StopApplication(), lifetime)) { IsBackground = true, Name = "green-stop" }.Start();
    }
}
