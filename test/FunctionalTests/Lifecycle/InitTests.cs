using FunctionalTests.Harness;

namespace FunctionalTests.Lifecycle;

/// <summary>The supervisor as a container's first process; the container is a PID namespace here.</summary>
public sealed class InitTests
{
    private const int SIGUSR2 = 12;

    // Without root, the other namespaces can only be created inside a user namespace.
    private static readonly string[] Container =
        [.. Environment.IsPrivilegedProcess ? [] : new[] { "--user", "--map-root-user" }, "--pid", "--fork", "--kill-child", "--mount-proc"];

    [Fact]
    public async Task Signals_reach_the_supervisor_orphans_are_reaped_and_the_exit_code_is_its()
    {
        await RequireNamespaces();
        using var home = new TemporaryFolder();
        await using var container = Start(home, "--name", "first", "-w", "2", "-b", "127.0.0.1:0", Repo.TestWorker);
        var status = await Eventually.Get(
            "it serves", () => ControlClient.Status(home.File("first.sock")), static status => status.Workers.Count(static worker => worker.State == WorkerPhase.Serving) == 2, container.Describe);
        Assert.NotEqual(1, status.SupervisorPid);
        var init = Assert.Single(Kernel.ChildrenOf(container.Pid));
        var supervisor = Assert.Single(Kernel.ChildrenOf(init));
        var workers = Kernel.ChildrenOf(supervisor);

        // The worker leaves a child behind, which only the init can reap.
        await Target.Parse(status.Listeners[0].Endpoint).Get("/spawn-grandchild");
        var worker = Assert.Single(workers, static worker => Kernel.ChildrenOf(worker).Count > 0);
        var orphan = Assert.Single(Kernel.ChildrenOf(worker));
        Kernel.Signal(worker, Kernel.SIGKILL);
        await Eventually.True("the orphan is the init's", () => Kernel.ChildrenOf(init).Contains(orphan), container.Describe);
        Kernel.Signal(orphan, Kernel.SIGKILL);
        await Eventually.True("the orphan is reaped", () => Kernel.StateOf(orphan) is null, container.Describe);

        Kernel.Signal(init, Kernel.SIGTTIN);
        await Eventually.Get(
            "there is one worker more", () => ControlClient.Status(home.File("first.sock")), static status => status.WorkersTarget == 3, container.Describe);

        // An upgrade: the init follows the new supervisor, and does not exit with the old one.
        Kernel.Signal(init, SIGUSR2);
        var after = await Eventually.Get(
            "another supervisor serves", () => ControlClient.Status(home.File("first.sock")),
            now => now.SupervisorPid != status.SupervisorPid && now.State == SupervisorPhase.Running, container.Describe);
        await Eventually.True("the old one is gone", () => !Kernel.ChildrenOf(init).Contains(supervisor), container.Describe);
        Kernel.Signal(init, Kernel.SIGTTOU);
        await Eventually.Get(
            "it hears signals", () => ControlClient.Status(home.File("first.sock")),
            now => now.SupervisorPid == after.SupervisorPid && now.WorkersTarget < after.WorkersTarget, container.Describe);
        Kernel.Signal(init, Kernel.SIGTERM);
        Assert.Equal(0, await container.Exit());
        Assert.Empty(container.Living);
    }

    [Fact]
    public async Task A_failure_to_start_is_the_containers_exit_code()
    {
        await RequireNamespaces();
        using var home = new TemporaryFolder();
        await using var container = Start(home, "--name", "failing", "-w", "1", "-b", "unix:/no/such/folder/app.sock", Repo.TestWorker);
        Assert.Equal(5, await container.Exit());
        Assert.Contains("/no/such/folder", container.Output, StringComparison.Ordinal);
    }

    private static ChildProgram Start(TemporaryFolder home, params string[] arguments) => ChildProgram.Start(
        "unshare", [.. Container, "dotnet", Repo.Green, "run", .. arguments], [new("RUNTIME_DIRECTORY", home.Path)], home.Path);

    // A container without privileges may not be able to create namespaces.
    private static async Task RequireNamespaces()
    {
        await using var probe = await ChildProgram.Run("unshare", [.. Container, "true"]);
        Assert.SkipUnless(await probe.Exit() == 0, $"no namespace of process ids can be made here: {probe.Output}");
    }
}
