using System.Globalization;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Files;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>Checks what the system grants this user: writable folders, descriptors, room in the kernel's queues.</summary>
internal static class RightsCheck
{
    private const string Area = "rights";
    private const string SomaxconnFile = "/proc/sys/net/core/somaxconn";

    // The descriptors of a .NET process besides its connections.
    private const int DescriptorsBesides = 200;

    public static IEnumerable<Finding> Of(LaunchPlan plan)
    {
        var control = Path.GetDirectoryName(plan.Options.Control!)!;
        yield return SocketFolder.WhyNot(plan.Options.Control!) is { } open
            ? Finding.Problem(Area, $"{open} (the control socket). Choose another place with --control or RUNTIME_DIRECTORY.")
            : CheckedPaths.Folder(Area, control, "the control socket", "Choose another place with --control or RUNTIME_DIRECTORY.");
        yield return CheckedPaths.Folder(
            Area, Path.GetDirectoryName(HeartbeatDirectory.PathFor(plan.Name, Environment.GetEnvironmentVariable, Libc.geteuid()))!, "the heartbeat files", "Choose another place with RUNTIME_DIRECTORY.");

        var descriptors = Libc.OpenFilesLimit();
        var wanted = ((long)plan.Options.WorkerConnections * plan.Binds.Length) + DescriptorsBesides;
        yield return descriptors >= wanted
            ? Finding.Ok(Area, string.Create(CultureInfo.InvariantCulture, $"the limit of {descriptors} descriptors per process is enough for its connections"))
            : Finding.Warning(Area, string.Create(CultureInfo.InvariantCulture,
                $"a worker may have {Counted.Of(plan.Options.WorkerConnections, "connection")} on {(plan.Binds.Length == 1 ? "one listener" : $"each of {plan.Binds.Length} listeners")}, but a process may have only {Counted.Of(descriptors, "descriptor")}: it pauses accepting when they run out. Raise the limit (ulimit -n, LimitNOFILE=) or lower WorkerConnections."));

        if (File.Exists(SomaxconnFile)
            && int.TryParse(File.ReadAllText(SomaxconnFile), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var somaxconn)
            && somaxconn < plan.Options.Backlog)
        {
            yield return Finding.Warning(Area, string.Create(CultureInfo.InvariantCulture,
                $"Backlog ({plan.Options.Backlog}) is more than net.core.somaxconn ({somaxconn}): the kernel queues only {somaxconn}. Raise net.core.somaxconn, or ignore this."));
        }
    }
}
