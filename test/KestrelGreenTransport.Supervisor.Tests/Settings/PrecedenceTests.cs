using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Tests.Settings;

public sealed class PrecedenceTests : SettingsFixture
{
    [Fact]
    public void Each_source_wins_over_the_next_weaker_one_and_is_remembered()
    {
        Write("appsettings.json", """{ "GreenSupervisor": { "Workers": 2 } }""");
        Write("appsettings.Staging.json", """{ "GreenSupervisor": { "Workers": 3 } }""");
        Write("green.json", """{ "Workers": 6 }""");
        string[] staging = ["DOTNET_ENVIRONMENT=Staging"];
        string[] variables = [.. staging, "GreenSupervisor__Workers=4"];

        static void Configure(GreenSupervisorOptions options) => options.Workers = 9;

        Expect(8, "--workers on the command line", Load("--workers 8 --GreenSupervisor:Workers=5", [.. variables, "GREEN_WORKERS=7"], Configure));
        Expect(7, "GREEN_WORKERS", Load("--GreenSupervisor:Workers=5", [.. variables, "GREEN_WORKERS=7"], Configure));
        Expect(6, "green.json: Workers", Load("--GreenSupervisor:Workers=5", variables, Configure));
        File.Delete(Path.Combine(Folder, "green.json"));
        Expect(5, "--GreenSupervisor:Workers on the command line", Load("--GreenSupervisor:Workers=5", variables, Configure));
        Expect(4, "GreenSupervisor__Workers", Load("", variables, Configure));
        Expect(3, "appsettings.Staging.json: GreenSupervisor:Workers", Load("", staging, Configure));
        Expect(2, "appsettings.json: GreenSupervisor:Workers", Load("", [], Configure));
        File.Delete(Path.Combine(Folder, "appsettings.json"));
        Expect(9, "set in code", Load("", [], Configure));
        Expect(Environment.ProcessorCount, "default", Load());

        static void Expect(int workers, string origin, LoadedSettings loaded)
        {
            Assert.Empty(loaded.Problems);
            Assert.Equal(workers, loaded.Options.Workers);
            Assert.Equal(origin, loaded.Origins[SettingsCatalogue.Workers].Text);
        }
    }

    [Fact]
    public void Every_setting_of_the_supervisor_is_read_from_every_kind_of_source()
    {
        Write("appsettings.json", """
            {
              // As in any appsettings file, comments are fine.
              "GreenSupervisor": {
                "Workers": 3, "Bind": ["127.0.0.1:1", "127.0.0.1:2"], "WorkerConnections": 5, "Backlog": 6, "Timeout": "1h30m",
                "HeartbeatInterval": "00:00:02", "BootTimeout": 90, "GracefulTimeout": "0s", "Standby": 7, "WarmUp": ["/warm", "/b?x=1,2;3"], "WarmUpTime": "7s",
                "MaxRequests": 8, "MaxRequestsJitter": 9, "MaxMemory": "64MB", "MaxLifetime": "2h", "BeforeStart": "true", "Name": "shop", "Control": "/run/shop.sock", "UnixFileMode": 660,
                "RequestTimeout": "31s", "RequestTimeoutAction": "kill", "DumpOnStale": "/var/dumps", "DumpKind": "heap", "Hook": "exit=a;b,c",
                "LogFormat": "json", "Admin": "127.0.0.1:9090", "AdminToken": "0123456789abcdef", "AdminAllowRemote": true, "Watch": true,
                "User": "shop", "Group": 33, "Umask": "027", "Chdir": "/srv", "Env": ["A=1,2", "B=x;y"], "CpuAffinity": 2,
                "PidFile": "/run/shop.pid", "LogFile": "/var/log/shop.log"
              }
            }
            """);
        var fromFile = Load();
        var fromVariables = Load("", [
            "GREEN_WORKERS=3", "GREEN_BIND=127.0.0.1:1, 127.0.0.1:2", "GREEN_WORKER_CONNECTIONS=5", "GREEN_BACKLOG=6", "GREEN_TIMEOUT=5400",
            "GREEN_HEARTBEAT_INTERVAL=2000ms", "GREEN_BOOT_TIMEOUT=1m30s", "GREEN_GRACEFUL_TIMEOUT=0", "GREEN_STANDBY=7", "GREEN_WARM_UP=/warm /b?x=1,2;3", "GREEN_WARM_UP_TIME=7",
            "GREEN_MAX_REQUESTS=8", "GREEN_MAX_REQUESTS_JITTER=9", "GREEN_MAX_MEMORY=65536K", "GREEN_MAX_LIFETIME=120m", "GREEN_BEFORE_START=true", "GREEN_NAME=shop",
            "GREEN_CONTROL=/run/shop.sock", "GREEN_UNIX_FILE_MODE=0660",
            "GREEN_REQUEST_TIMEOUT=31", "GREEN_REQUEST_TIMEOUT_ACTION=Kill", "GREEN_DUMP_ON_STALE=/var/dumps", "GREEN_DUMP_KIND=heap", "GREEN_HOOK=exit=a;b,c",
            "GREEN_LOG_FORMAT=JSON", "GREEN_ADMIN=127.0.0.1:9090", "GREEN_ADMIN_TOKEN=0123456789abcdef", "GREEN_ADMIN_ALLOW_REMOTE=1", "GREEN_WATCH=1",
            "GREEN_USER=shop", "GREEN_GROUP=33", "GREEN_UMASK=27", "GREEN_CHDIR=/srv", "GREEN_ENV=A=1,2\nB=x;y",
            "GREEN_CPU_AFFINITY=2", "GREEN_PID_FILE=/run/shop.pid", "GREEN_LOG_FILE=/var/log/shop.log"]);
        var fromOptions = Load(
            "-w 3 -b 127.0.0.1:1 --bind=127.0.0.1:2 --worker-connections 5 --backlog=6 --timeout 90m --heartbeat-interval 2 "
            + "--boot-timeout 1.5m --graceful-timeout 0 --standby 7 --warm-up /warm --warm-up /b?x=1,2;3 --warm-up-time 7s --max-requests 8 --max-requests-jitter 9 --max-memory 64M --max-lifetime 2h "
            + "--before-start true --name shop --control /run/shop.sock --unix-file-mode 0o660 "
            + "--request-timeout 31s --request-timeout-action kill --dump-on-stale /var/dumps --dump-kind heap --hook exit=a;b,c "
            + "--log-format json --admin 127.0.0.1:9090 --admin-token 0123456789abcdef --admin-allow-remote --watch "
            + "--user shop --group 33 --umask 0o27 --chdir /srv --env A=1,2 --env B=x;y --cpu-affinity 2 "
            + "--pid-file /run/shop.pid --log-file /var/log/shop.log");
        var fromCode = Load("", [], options =>
        {
            options.Workers = 3;
            options.Bind.Add("127.0.0.1:1");
            options.Bind.Add("127.0.0.1:2");
            options.WorkerConnections = 5;
            options.Backlog = 6;
            options.Timeout = TimeSpan.FromMinutes(90);
            options.HeartbeatInterval = TimeSpan.FromSeconds(2);
            options.BootTimeout = TimeSpan.FromSeconds(90);
            options.GracefulTimeout = TimeSpan.Zero;
            options.Standby = 7;
            options.WarmUp.Add("/warm");
            options.WarmUp.Add("/b?x=1,2;3");
            options.WarmUpTime = TimeSpan.FromSeconds(7);
            options.MaxRequests = 8;
            options.MaxRequestsJitter = 9;
            options.MaxMemory = 64 << 20;
            options.MaxLifetime = TimeSpan.FromHours(2);
            options.BeforeStart = "true";
            options.RequestTimeout = TimeSpan.FromSeconds(31);
            options.RequestTimeoutAction = GreenRequestTimeoutAction.Kill;
            options.DumpOnStale = "/var/dumps";
            options.DumpKind = GreenDumpKind.Heap;
            options.Hook.Add("exit=a;b,c");
            options.Name = "shop";
            options.Control = "/run/shop.sock";
            options.UnixFileMode = (UnixFileMode)0b110_110_000;
            options.LogFormat = SupervisorLogFormat.Json;
            options.Admin = "127.0.0.1:9090";
            options.AdminToken = "0123456789abcdef";
            options.AdminAllowRemote = true;
            options.Watch = true;
            options.User = "shop";
            options.Group = "33";
            options.Umask = (UnixFileMode)0b000_010_111;
            options.Chdir = "/srv";
            options.Env.Add("A=1,2");
            options.Env.Add("B=x;y");
            options.CpuAffinity = "2";
            options.PidFile = "/run/shop.pid";
            options.LogFile = "/var/log/shop.log";
        });

        foreach (var loaded in new[] { fromFile, fromVariables, fromOptions, fromCode })
        {
            Assert.Empty(loaded.Problems);
            Assert.All(SettingsCatalogue.Own, setting => Assert.True(loaded.IsSet(setting), setting.Name));
            Assert.Equal(
                ["3", "127.0.0.1:1,127.0.0.1:2", "5", "6", "1h30m", "2s", "1m30s", "0s", "7", "/warm,/b?x=1,2;3", "7s", "8", "9", "67108864", "2h", "true",
                    "31s", "kill", "/var/dumps", "heap", "exit=a;b,c", "shop", "/run/shop.sock", "660", "json",
                    "127.0.0.1:9090", "0123456789abcdef", "true", "true",
                    "shop", "33", "27", "/srv", "A=1,2,B=x;y", "2", "/run/shop.pid", "/var/log/shop.log"],
                SettingsCatalogue.Own.Select(setting => string.Join(',', setting.Read(loaded.Options))));
        }
    }

    [Fact]
    public void A_list_is_taken_whole_from_the_strongest_source()
    {
        Write("appsettings.json", """{ "GreenSupervisor": { "Bind": [":1", ":2"] } }""");

        Assert.Equal([":3"], Load("", ["GREEN_BIND=:3"]).Options.Bind);
        Assert.Equal([":4", ":5"], Load("-b :4 -b :5", ["GREEN_BIND=:3"]).Options.Bind);
    }

    [Fact]
    public void Given_twice_the_last_one_counts() => Assert.Equal(5, Load("-w 3 --workers 5").Options.Workers);

    [Fact]
    public void A_setting_of_the_transport_is_passed_on_as_it_was_written_and_judged_with_the_others()
    {
        var loaded = Load("--accept-min-delay 1ms --accept-max-delay 5ms --backend epoll --backend sockets --proxy-protocol-trusted ::1 --proxy-protocol-trusted 10.0.0.0/8");

        Assert.Empty(loaded.Problems);
        Assert.Equal(
            ["1ms", "5ms", "sockets", "::1,10.0.0.0/8"],
            ((string[])["AcceptMinDelay", "AcceptMaxDelay", "Backend", "ProxyProtocolTrusted"]).SelectMany(name => SettingsCatalogue.Find(name)!.Read(loaded.Options)));
        Assert.Equal((GreenTransportBackend.Sockets, 2), (loaded.Options.Transport.Backend, loaded.Options.Transport.ProxyProtocolTrusted.Count));
    }

    [Fact]
    public void The_lambda_does_not_win_over_a_file_even_when_both_say_something_else_than_the_default()
    {
        Write("green.json", """{ "$schema": "https://example.org/green.json", "timeout": "5s" }""");

        var loaded = Load("", [], static options => options.Timeout = TimeSpan.FromSeconds(7));

        Assert.Empty(loaded.Problems);
        Assert.Equal(TimeSpan.FromSeconds(5), loaded.Options.Timeout);
    }

    [Fact]
    public void Appsettings_beside_the_app_count_when_the_content_root_has_none()
    {
        Write("publish/appsettings.json", """{ "GreenSupervisor": { "Workers": 2 } }""");
        var input = Input() with { AppDirectory = Path.Combine(Folder, "publish") };

        Assert.Equal(2, SettingsLoader.Load(input).Options.Workers);

        Write("appsettings.json", """{ "GreenSupervisor": { "Workers": 3 } }""");
        Assert.Equal(3, SettingsLoader.Load(input).Options.Workers);
    }

    [Fact]
    public void Nothing_is_configured_by_what_belongs_to_the_app_or_to_the_transport()
    {
        Write("appsettings.json", """{ "Logging": {}, "GreenTransport": { "WorkerConnections": 5 } }""");

        Assert.False(Load("--urls http://127.0.0.1:1 run", ["GREEN_WORKER_CONNECTIONS=5", "GREEN_BACKLOG=6", "GREEN_SUPERVISOR=0", "GREEN_WORKERS="]).Configured);
    }

    [Theory]
    [InlineData("-w 2", null, null)]
    [InlineData("", "GREEN_WORKERS=2", null)]
    [InlineData("", "GREEN_SUPERVISOR=1", null)]
    [InlineData("", "GreenSupervisor__Workers=2", null)]
    [InlineData("--GreenSupervisor:Workers 2", null, null)]
    [InlineData("", null, """{ "GreenSupervisor": { "Workers": 2 } }""")]
    [InlineData("", null, """{ "GreenSupervisor": {} }""")]
    public void A_supervisor_is_configured_by_any_of_its_sources(string commandLine, string? variable, string? appsettings)
    {
        if (appsettings is not null)
        {
            Write("appsettings.json", appsettings);
        }

        Assert.True(Load(commandLine, variable is null ? [] : [variable]).Configured);
    }

    [Fact]
    public void A_supervisor_is_configured_by_green_json_and_by_code()
    {
        Assert.True(Load("", [], static _ => { }).Configured);
        Write("green.json", "{}");
        Assert.True(Load().Configured);
    }
}
