using System.Collections.Immutable;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>What the operator sees first: what runs, where, and how to stop it.</summary>
internal static class Banner
{
    public static void Write(SupervisorOutput output, LaunchPlan plan, ImmutableArray<BoundListener> listeners, HeartbeatDirectory heartbeats, string controlPath)
    {
        var options = plan.Options;
        Line($"KestrelGreenTransport {SupervisorVersion.Text}, supervisor pid {Environment.ProcessId}");
        Line($"  app        {plan.App.DisplayPath}");
        foreach (var listener in listeners)
        {
            Line($"  listening  {listener.ToDisplay()}");
        }

        if (!plan.ExplicitBinds)
        {
            Line("  listening  on the app's endpoints (no -b was given)");
        }

        Line($"  workers    {options.Workers}");
        Line($"  pool       {Counted.Of(options.WorkerConnections, "connection")} per listener in each worker");
        Line($"  heartbeat  every {Duration.Format(options.EffectiveHeartbeatInterval)}, replacement after {Duration.Format(options.Timeout)} without one ({heartbeats.Path})");
        Line($"  control    {controlPath}");
        if (plan.Admin is { } admin)
        {
            Line($"  admin      {(admin.Endpoints[0].IP is { } ip ? $"http://{ip}/" : admin.Endpoints[0].ToString())}");
        }

        Line($"  stop       Ctrl+C (at once), or `kill -TERM {Environment.ProcessId}` (requests in flight finish, up to {Duration.Format(options.GracefulTimeout)})");

        void Line(string text) => output.Note(text);
    }
}
