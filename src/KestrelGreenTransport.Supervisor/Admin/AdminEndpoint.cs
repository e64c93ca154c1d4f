using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Runtime;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>The admin endpoint of a running supervisor, put together.</summary>
internal sealed class AdminEndpoint : IDisposable
{
    private readonly AdminMonitor _monitor;
    private readonly AdminServer _server;

    private AdminEndpoint(AdminMonitor monitor, AdminServer server)
    {
        _monitor = monitor;
        _server = server;
    }

    /// <exception cref="StartupException">It cannot listen there.</exception>
    public static AdminEndpoint Start(
        AdminPlan plan, FiguresSource figures, SupervisorLoop loop, Journal journal, string controlPath, TimeProvider time)
    {
        var monitor = new AdminMonitor(figures.Now, plan.Token is not null, time);
        var sources = new AdminSources
        {
            Figures = figures.Now,
            Journal = journal,
            State = () => loop.State,
            Silence = () => loop.State.LastStepAt is > 0 and var last ? time.GetElapsedTime(last) : TimeSpan.Zero,
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
