using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>The admin endpoint of a running supervisor: its server and its monitor.</summary>
internal sealed class AdminEndpoint : IDisposable
{
    private readonly AdminMonitor _monitor;
    private readonly AdminServer _server;

    private AdminEndpoint(AdminMonitor monitor, AdminServer server)
    {
        _monitor = monitor;
        _server = server;
    }

    /// <param name="plan">Where it listens, and what authorizes a client.</param>
    /// <param name="figures">Builds the current figures; called from any thread.</param>
    /// <param name="state">The arbiter's state; called from any thread.</param>
    /// <param name="journal">The events and the workers' output.</param>
    /// <param name="controlPath">The control socket, for actions.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="StartupException">It cannot listen there.</exception>
    public static AdminEndpoint Start(
        AdminPlan plan, Func<Figures> figures, Func<SupervisorState> state, Journal journal, string controlPath, TimeProvider time)
    {
        var monitor = new AdminMonitor(figures, plan.Token is not null, time);
        var sources = new AdminSources
        {
            Figures = figures,
            Journal = journal,
            State = state,
            Silence = () => state().LastStepAt is > 0 and var last ? time.GetElapsedTime(last) : TimeSpan.Zero,
            Act = request => new ControlClient(controlPath).Ask(request, static response => response),
        };
        try
        {
            return new AdminEndpoint(monitor, AdminServer.Start(plan, stopping => new AdminApp(plan, sources, monitor, stopping)));
        }
        catch
        {
            monitor.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _server.Dispose();
        _monitor.Dispose();
    }
}
