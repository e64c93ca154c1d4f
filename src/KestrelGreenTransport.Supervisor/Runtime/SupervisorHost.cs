namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Runs a plan to its end.</summary>
internal static class SupervisorHost
{
    /// <summary>Binds, launches, watches; returns the exit code once every worker is gone.</summary>
    public static int Run(LaunchPlan plan) => throw new NotImplementedException(plan.Name);
}
