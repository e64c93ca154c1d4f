using KestrelGreenTransport.Supervisor.Runtime;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Tests.Settings;

namespace KestrelGreenTransport.Supervisor.Tests.Runtime;

public sealed class SelfLauncherTests : SettingsFixture
{
    private readonly StringWriter _error = new();
    private LaunchPlan? _ran;

    [Fact]
    public async Task The_supervisor_runs_with_its_own_options_and_the_workers_get_the_rest_in_order()
    {
        var code = await Run(["a", "-w", "3", "--b", "c", "--bind=127.0.0.1:7", "-x", "--", "-w", "9", "--"], Process() with { Executable = "/srv/Shop" });

        Assert.Equal(42, code);
        Assert.Equal("", _error.ToString());
        Assert.Equal(3, _ran!.Options.Workers);
        Assert.Equal(["a", "--b", "c", "-x", "-w", "9", "--"], _ran.App.Arguments);
        Assert.True(_ran.ExplicitBinds);
        Assert.Equal("shop", _ran.Name);
    }

    [Fact]
    public async Task A_worker_is_its_own_executable_or_the_dotnet_host_with_the_managed_file()
    {
        await Run(["-w", "1"], Process() with { Executable = "/srv/Shop", ManagedFile = "/srv/Shop.dll" });
        Assert.Equal(("/srv/Shop", ""), (_ran!.App.FileName, string.Join(' ', _ran.App.Arguments)));

        await Run(["-w", "1", "x"], Process() with { Executable = "/usr/bin/dotnet", ManagedFile = "bin/Shop.dll" });
        Assert.Equal(("/usr/bin/dotnet", $"{Folder}/bin/Shop.dll x"), (_ran.App.FileName, string.Join(' ', _ran.App.Arguments)));
    }

    [Fact]
    public async Task It_runs_on_a_thread_of_its_own_that_keeps_the_process_alive()
    {
        Thread? runner = null;
        await Run(["-w", "1"], Process() with
        {
            Run = _ =>
            {
                runner = Thread.CurrentThread;
                Assert.False(runner.IsBackground);
                Assert.False(runner.IsThreadPoolThread);
                return 0;
            },
        });

        Assert.NotNull(runner);
        Assert.NotSame(runner, Thread.CurrentThread);
    }

    [Fact]
    public async Task What_the_supervisor_throws_comes_out_of_the_task() =>
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => Run(["-w", "1"], Process() with { Run = static _ => throw new InvalidOperationException() }));

    [Fact]
    public async Task Nothing_configured_means_one_process() => await ExpectOneProcess([], Process());

    [Fact]
    public async Task Options_that_only_the_app_knows_mean_one_process() =>
        await ExpectOneProcess(["--urls", "http://127.0.0.1:1", "--", "-w", "3"], Process());

    [Fact]
    public async Task A_worker_never_supervises() => await ExpectOneProcess(["-w", "3"], Process() with { IsWorker = static () => true });

    [Fact]
    public async Task An_app_whose_Main_another_program_runs_does_not_supervise()
    {
        Write("green.json", """{ "Workers": 4 }""");
        await ExpectOneProcess([], Process() with { Origin = CallOrigin.HostedApp });
        await ExpectOneProcess(["-w", "3"], Process() with { Origin = CallOrigin.HostedApp }, "-w on the command line: ignored because another program runs this app's Main.");
    }

    [Fact]
    public async Task Under_a_debugger_the_app_is_one_process_and_options_that_it_ignores_are_named()
    {
        Write("green.json", """{ "Workers": 4 }""");
        await ExpectOneProcess([], Process() with { IsDebugged = true });
        await ExpectOneProcess(
            ["--workers", "3", "-b", ":1"], Process() with { IsDebugged = true }, "--workers on the command line, -b on the command line: ignored under a debugger.");
    }

    [Fact]
    public async Task Under_dotnet_watch_the_app_is_one_process_which_its_hot_reload_reaches()
    {
        await ExpectOneProcess([], Process("DOTNET_WATCH=1"));
        await ExpectOneProcess(
            ["-w", "3"],
            Process("DOTNET_WATCH=1"),
            "under dotnet watch the app runs as one process. For several workers that reload on each change: green run --watch.");
        Assert.Equal(42, await Run(["-w", "3"], Process("DOTNET_WATCH=0")));
    }

    [Fact]
    public async Task A_library_that_no_Main_stands_above_gets_no_supervisor_and_is_told()
    {
        await ExpectOneProcess([], Process() with { Origin = CallOrigin.UnknownMain });
        await ExpectOneProcess(
            ["-w", "3"],
            Process() with { Origin = CallOrigin.UnknownMain },
            "TryRunAsync was called by a library, but not directly from Main, so the app runs as one process. Call it in Program.cs, or in the library before its first await.");
    }

    [Fact]
    public void The_Main_that_is_nearest_on_the_stack_decides_for_a_library()
    {
        var started = typeof(SelfLauncherTests).Assembly;
        var hosted = typeof(FactAttribute).Assembly;
        var library = typeof(GreenSupervisor).Assembly;

        Assert.Equal(CallOrigin.StartedProgram, CallOrigins.Of(started, started, []));
        Assert.Equal(CallOrigin.StartedProgram, CallOrigins.Of(library, started, [started]));
        Assert.Equal(CallOrigin.HostedApp, CallOrigins.Of(hosted, started, [hosted]));
        Assert.Equal(CallOrigin.HostedApp, CallOrigins.Of(library, started, [hosted, started]));
        Assert.Equal(CallOrigin.UnknownMain, CallOrigins.Of(library, started, []));
        Assert.Equal(CallOrigin.UnknownMain, CallOrigins.Of(hosted, null, []));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("false")]
    public async Task The_switch_forbids_a_supervisor(string value) => await ExpectOneProcess(["-w", "3"], Process($"GREEN_SUPERVISOR={value}"));

    [Fact]
    public async Task The_switch_also_asks_for_one()
    {
        Assert.Equal(42, await Run([], Process("GREEN_SUPERVISOR=1")));
        Assert.False(_ran!.ExplicitBinds);
    }

    [Fact]
    public async Task A_lambda_alone_asks_for_a_supervisor()
    {
        Assert.Equal(42, await SelfLauncher.TryRunAsync([], static options => options.Workers = 5, Process()));
        Assert.Equal(5, _ran!.Options.Workers);
    }

    [Fact]
    public async Task Off_Linux_one_warning_is_given_and_the_app_is_one_process()
    {
        Assert.Null(await Run(["-w", "3"], Process() with { IsLinux = false }));
        Assert.Equal("green: the supervisor needs Linux; here the app runs as one process.\n", _error.ToString());
        Assert.Null(_ran);
    }

    [Fact]
    public async Task Off_Linux_nothing_is_said_when_nobody_asked() => await ExpectOneProcess([], Process() with { IsLinux = false });

    [Fact]
    public async Task Wrong_settings_are_told_all_at_once_and_are_exit_code_2()
    {
        var code = await Run(["-w", "0", "-b", "8080", "--timeout"], Process("ASPNETCORE_URLS=nonsense"));

        Assert.Equal(ExitCodes.Usage, code);
        Assert.Null(_ran);
        Assert.Equal(
            """
            green: --timeout on the command line needs a value: --timeout DURATION.
            green: Workers ('0', -w on the command line) must be a whole number from 1 to 1024.
            green: Bind ('8080', -b on the command line) is only a port: write :8080 for every address, 127.0.0.1:8080 for this machine only.

            """,
            _error.ToString());
    }

    [Fact]
    public async Task A_malformed_worker_contract_is_told_and_is_exit_code_2()
    {
        var code = await Run([], Process() with { IsWorker = static () => throw new FormatException("GREEN_WORKER ('x') must be a whole number from 1 to 100000.") });

        Assert.Equal(ExitCodes.Usage, code);
        Assert.Equal("green: GREEN_WORKER ('x') must be a whole number from 1 to 100000.\n", _error.ToString());
    }

    [Fact]
    public async Task Appsettings_beside_the_app_are_read()
    {
        Write("publish/appsettings.Development.json", """{ "GreenSupervisor": { "Workers": 4 } }""");

        Assert.Equal(42, await Run([], Process("ASPNETCORE_ENVIRONMENT=Development") with { ManagedFile = "publish/Shop.dll" }));
        Assert.Equal(4, _ran!.Options.Workers);
    }

    [Fact]
    public async Task This_test_run_is_not_the_program_that_was_started_by_the_library()
    {
        // The entry assembly is this one, so only "nothing configured" and the debugger keep it from becoming a supervisor.
        Assert.Null(await GreenSupervisor.TryRunAsync([]));
        await Assert.ThrowsAsync<ArgumentNullException>(() => GreenSupervisor.TryRunAsync(null!));
    }

    private static Task<int?> Run(string[] args, SelfProcess process) => SelfLauncher.TryRunAsync(args, null, process);

    private async Task ExpectOneProcess(string[] args, SelfProcess process, string? said = null)
    {
        Assert.Null(await Run(args, process));
        Assert.Null(_ran);
        Assert.Equal(said is null ? "" : $"green: {said}\n", _error.ToString());
    }

    private SelfProcess Process(params string[] environment) => new()
    {
        IsWorker = static () => false,
        Origin = CallOrigin.StartedProgram,
        IsDebugged = false,
        IsLinux = true,
        Environment = environment.Select(static pair => pair.Split('=', 2)).ToDictionary(static pair => pair[0], static pair => pair[1]),
        CurrentDirectory = Folder,
        Executable = "/usr/bin/dotnet",
        ManagedFile = Path.Combine(Folder, "Shop.dll"),
        Error = _error,
        Run = plan =>
        {
            _ran = plan;
            return 42;
        },
    };
}
