using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Tests.Settings;

public sealed class SettingsErrorTests : SettingsFixture
{
    [Theory]
    [InlineData("--workers 0", "Workers ('0', --workers on the command line) must be a whole number from 1 to 1024.")]
    [InlineData("-w many", "Workers ('many', -w on the command line) must be a whole number from 1 to 1024.")]
    [InlineData("-w +2", "Workers ('+2', -w on the command line) must be a whole number from 1 to 1024.")]
    [InlineData("-w -1", "Workers ('-1', -w on the command line) must be a whole number from 1 to 1024.")]
    [InlineData("-w=", "Workers ('', -w on the command line) must be a whole number from 1 to 1024.")]
    [InlineData("--worker-connections 1000001", "WorkerConnections ('1000001', --worker-connections on the command line) must be a whole number from 1 to 1000000.")]
    [InlineData("--backlog 0", "Backlog ('0', --backlog on the command line) must be a whole number from 1 to 1000000.")]
    [InlineData("--timeout 30x", "Timeout ('30x', --timeout on the command line) must be a duration from 200ms to 1d, such as 30s or 1h30m.")]
    [InlineData("--timeout 100ms", "Timeout ('100ms', --timeout on the command line) must be a duration from 200ms to 1d, such as 30s or 1h30m.")]
    [InlineData("--heartbeat-interval 2h", "HeartbeatInterval ('2h', --heartbeat-interval on the command line) must be a duration from 50ms to 1h, such as 30s or 1h30m.")]
    [InlineData("--boot-timeout 0", "BootTimeout ('0', --boot-timeout on the command line) must be a duration from 1s to 1d, such as 30s or 1h30m.")]
    [InlineData("--graceful-timeout 2d", "GracefulTimeout ('2d', --graceful-timeout on the command line) must be a duration from 0s to 1d, such as 30s or 1h30m.")]
    [InlineData("--name ../x", "Name ('../x', --name on the command line) must be 1 to 64 letters, digits, '-', '_' or '.', not beginning with '.'.")]
    [InlineData("--unix-file-mode 888", "UnixFileMode ('888', --unix-file-mode on the command line) must be an octal number from 0 to 777, such as 660.")]
    [InlineData("--unix-file-mode 1777", "UnixFileMode ('1777', --unix-file-mode on the command line) must be an octal number from 0 to 777, such as 660.")]
    [InlineData("--accept-batch many", "AcceptBatch ('many', --accept-batch on the command line) must be a whole number, or auto.")]
    [InlineData("--accept-batch 0", "AcceptBatch ('0', --accept-batch on the command line) must be from 1 to 10000: leave it out for the automatic choice.")]
    [InlineData("--accept-max-delay 5ms", "AcceptMaxDelay ('5ms', --accept-max-delay on the command line) must be at least AcceptMinDelay (10ms): the pause grows from one to the other.")]
    [InlineData("--backend epol", "Backend ('epol', --backend on the command line) must be one of Auto, Sockets, Epoll.")]
    [InlineData("--proxy-protocol-trusted ::1 --proxy-protocol-trusted x", "ProxyProtocolTrusted ('x', --proxy-protocol-trusted on the command line) must be addresses or networks such as 192.0.2.7 or 10.0.0.0/8, separated by commas.")]
    [InlineData("-b 8080", "Bind ('8080', -b on the command line) is only a port: write :8080 for every address, 127.0.0.1:8080 for this machine only.")]
    public void A_wrong_option_names_the_setting_the_value_its_origin_and_the_range(string commandLine, string expected) =>
        Assert.Equal([expected], Load(commandLine).Problems);

    [Fact]
    public void A_wrong_variable_and_a_wrong_file_are_named_as_people_know_them()
    {
        Write("appsettings.json", """{ "GreenSupervisor": { "Timeout": "soon" } }""");
        Write("green.json", """{ "Backlog": -1 }""");

        Assert.Equal(
            [
                "Workers ('x', GREEN_WORKERS) must be a whole number from 1 to 1024.",
                "Backlog ('-1', green.json: Backlog) must be a whole number from 1 to 1000000.",
                "BootTimeout ('0', GreenSupervisor__BootTimeout) must be a duration from 1s to 1d, such as 30s or 1h30m.",
                "Timeout ('soon', appsettings.json: GreenSupervisor:Timeout) must be a duration from 200ms to 1d, such as 30s or 1h30m.",
            ],
            Load("", ["GREEN_WORKERS=x", "GreenSupervisor__BootTimeout=0"]).Problems);
    }

    [Fact]
    public void A_wrong_value_in_code_is_refused_like_any_other()
    {
        var loaded = Load("", [], static options =>
        {
            options.Workers = 0;
            options.Timeout = TimeSpan.FromSeconds(-1);
            options.Bind.Add("8080");
        });

        Assert.Equal(
            [
                "Workers ('0', set in code) must be a whole number from 1 to 1024.",
                "Bind ('8080', set in code) is only a port: write :8080 for every address, 127.0.0.1:8080 for this machine only.",
                "Timeout ('-00:00:01', set in code) must be a duration from 200ms to 1d, such as 30s or 1h30m.",
            ],
            loaded.Problems);
    }

    [Theory]
    [InlineData("--timeout 1s --heartbeat-interval 1s", null, "Timeout (1s, --timeout on the command line) must be at least twice HeartbeatInterval (1s, --heartbeat-interval on the command line): otherwise a single late heartbeat replaces a worker.")]
    [InlineData("", "GREEN_HEARTBEAT_INTERVAL=20s", "Timeout (30s, default) must be at least twice HeartbeatInterval (20s, GREEN_HEARTBEAT_INTERVAL): otherwise a single late heartbeat replaces a worker.")]
    public void Timeout_must_leave_two_chances_to_beat(string commandLine, string? variable, string expected) =>
        Assert.Equal([expected], Load(commandLine, variable is null ? [] : [variable]).Problems);

    [Theory]
    [InlineData("200ms", "50ms")]
    [InlineData("2s", "500ms")]
    [InlineData("4s", "1s")]
    [InlineData("1h", "1s")]
    public void The_interval_follows_a_short_timeout_by_itself(string timeout, string interval)
    {
        var loaded = Load($"--timeout {timeout}");

        Assert.Empty(loaded.Problems);
        Assert.Equal(interval, Contract.Duration.Format(loaded.Options.EffectiveHeartbeatInterval));
    }

    [Fact]
    public void All_problems_are_told_at_once_and_only_of_the_values_that_count()
    {
        Write("green.json", """{ "Workers": "ignored, for the command line says something better", "Backlog": "" }""");

        Assert.Equal(
            [
                "Timeout ('x', --timeout on the command line) must be a duration from 200ms to 1d, such as 30s or 1h30m.",
                "Bind ('a', GREEN_BIND) has no port: write a:8000.",
                "Bind ('b', GREEN_BIND) has no port: write b:8000.",
                "Backlog ('', green.json: Backlog) must be a whole number from 1 to 1000000.",
            ],
            Load("-w 2 --timeout x", ["GREEN_BIND=a;b"]).Problems);
    }

    [Fact]
    public void A_key_that_is_no_setting_is_an_error_with_the_closest_name()
    {
        Write("appsettings.json", """{ "GreenSupervisor": { "Wrokers": 2, "Workers": [1, 2], "bind": { "Main": ":1" } } }""");
        Write("green.json", """{ "TimeOut": "5s", "GreenSupervisor": { "Workers": 2 } }""");

        Assert.Equal(
            [
                "green.json: GreenSupervisor is not a setting.",
                "green.json: GreenSupervisor:Workers is not a setting.",
                "--GreenSupervisor:BootTimout on the command line is not a setting; did you mean BootTimeout?",
                "GreenSupervisor__Nonsense is not a setting.",
                "appsettings.json: GreenSupervisor:Workers:0: Workers takes one value, not several.",
                "appsettings.json: GreenSupervisor:Workers:1: Workers takes one value, not several.",
                "appsettings.json: GreenSupervisor:Wrokers is not a setting; did you mean Workers?",
            ],
            Load("--GreenSupervisor:BootTimout=3s", ["GreenSupervisor__Nonsense=1"]).Problems);
    }

    [Fact]
    public void A_file_that_is_no_JSON_is_named()
    {
        Write("green.json", "{ Workers: 2 }");

        Assert.StartsWith("green.json cannot be read: 'W' is an invalid start of a property name.", Assert.Single(Load().Problems));

        Write("green.json", """{ "Workers": 2, "workers": 3 }""");
        Assert.StartsWith("green.json cannot be read: A duplicate key", Assert.Single(Load().Problems));
    }

    [Fact]
    public void A_variable_that_looks_like_a_slip_of_the_pen_is_a_warning()
    {
        var loaded = Load("", ["GREEN_WORKRES=2", "GREEN_WORKERS=2", "GREEN_HOUSE=glass", "GREEN_LISTEN=", "GREEN_SUPERVISOR=1"]);

        Assert.Empty(loaded.Problems);
        Assert.Equal(["GREEN_WORKRES is not a setting; did you mean GREEN_WORKERS?"], loaded.Warnings);
    }

    [Fact]
    public void An_option_without_its_value_says_what_is_missing()
    {
        Assert.Equal(["--timeout on the command line needs a value: --timeout DURATION."], CommandLineSplit.Of(["a", "--timeout"]).Problems);
        Assert.Equal(["-w on the command line needs a value: -w N."], CommandLineSplit.Of(["-w", "--", "2"]).Problems);
    }

    [Fact]
    public void The_same_address_twice_and_a_control_path_too_long_are_found_before_anything_is_bound()
    {
        var input = Input($"-b 127.0.0.1:1 -b http://127.0.0.1:1 -b :0 -b :0 --name {new string('x', 64)}", [$"RUNTIME_DIRECTORY=/{new string('y', 50)}"]);

        var (plan, problems) = LaunchPlanner.Plan(SettingsLoader.Load(input), input, new AppCommand("/bin/app", [], "app"), _ => new AppResolution(null, "not asked for"));

        Assert.Null(plan);
        Assert.Equal(
            [
                "Bind names tcp://127.0.0.1:1 twice (127.0.0.1:1 and http://127.0.0.1:1): one is enough.",
                $"The control socket's path /{new string('y', 50)}/{new string('x', 64)}.sock is longer than the kernel's limit of 107 bytes: give a shorter one with --control.",
            ],
            problems);
    }
}
