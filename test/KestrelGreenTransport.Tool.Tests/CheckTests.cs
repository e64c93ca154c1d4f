using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Tests.Control;

namespace KestrelGreenTransport.Tool.Tests;

public sealed class CheckTests : ToolFixture
{
    public CheckTests() => Environment["RUNTIME_DIRECTORY"] = Folder;

    [Fact]
    public void What_would_run_is_said_to_run()
    {
        InstallShop();

        var (code, output, error) = Green("check", "-b", "127.0.0.1:0", "-b", "unix:shop.sock", "./Shop.dll");

        Assert.Equal((0, ""), (code, error));
        Assert.Matches(@"(?m)^ok +app +./Shop.dll can be started$", output);
        Assert.Matches(@"(?m)^ok +binds +127.0.0.1:0: can be bound$", output);
        Assert.Matches(@"(?m)^ok +binds +unix:shop.sock: can be bound$", output);
        Assert.Matches("It would run(; [0-9]+ warnings?)?\\.\n$", output);
        Assert.False(File.Exists(Path.Combine(Folder, "shop.sock")));
        Assert.Null(Ran);
    }

    [Fact]
    public void All_problems_are_found_at_once()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        Write("appsettings.json", """
            { "Kestrel": { "Endpoints": { "Main": { "Url": "https://127.0.0.1:8443", "Certificate": { "Path": "missing.pfx" } } } } }
            """);
        Write("nginx.conf", "http { server { location / { proxy_pass http://127.0.0.1:9; } } }");

        var (code, output, error) = Green("check", "-w", "0", "-b", $"127.0.0.1:{port}", "./missing.dll", "--nginx", "nginx.conf", "--json");

        Assert.Equal((2, ""), (code, error));
        var json = JsonDocument.Parse(output).RootElement;
        Assert.False(json.GetProperty("ok").GetBoolean());
        var problems = json.GetProperty("findings").EnumerateArray()
            .Where(static finding => finding.GetProperty("severity").GetString() == "problem")
            .ToDictionary(static finding => finding.GetProperty("area").GetString()!, static finding => finding.GetProperty("text").GetString()!);
        Assert.Equal(["settings", "app", "certificates", "binds", "nginx"], problems.Keys);
        Assert.StartsWith("Workers ('0', -w on the command line)", problems["settings"]);
        Assert.Equal("./missing.dll does not exist.", problems["app"]);
        Assert.StartsWith("Kestrel:Endpoints:Main:Certificate: FOLDER/missing.pfx cannot be read", problems["certificates"]);
        Assert.Contains("address already in use", problems["binds"]);
        Assert.StartsWith("no proxy_pass in FOLDER/nginx.conf points to 127.0.0.1:", problems["nginx"]);
    }

    [Fact]
    public void Endpoints_that_the_app_configures_for_Kestrel_are_the_ones_that_are_tried()
    {
        InstallShop();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        Write("appsettings.json", $$"""
            { "Kestrel": { "Endpoints": { "Free": { "Url": "http://127.0.0.1:0" }, "Held": { "Url": "http://127.0.0.1:{{port}}" } } } }
            """);

        var (code, output, _) = Green(Host() with { Width = 400 }, "check", "./Shop.dll");

        Assert.Equal(2, code);
        Assert.Matches(@"(?m)^ok +binds +http://127.0.0.1:0: can be bound$", output);
        Assert.Matches($@"(?m)^PROBLEM +binds +cannot listen on http://127.0.0.1:{port}: address already in use", output);
        Assert.DoesNotContain(":8000", output);

        // -b overrides them.
        (code, output, _) = Green(Host() with { Width = 400 }, "check", "-b", "127.0.0.1:0", "./Shop.dll");
        Assert.Equal(0, code);
        Assert.DoesNotContain($"{port}", output);
    }

    [Fact]
    public void Every_file_folder_and_command_that_a_setting_names_is_looked_at()
    {
        InstallShop();
        Write("a-file", "");
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var (code, output, _) = Green(
            Host() with { Width = 400 }, "check", "-b", "127.0.0.1:0", "--log-file", "missing/green.log", "--pid-file", ".", "--access-log", "missing/access.log",
            "--dump-on-stale", "a-file/dumps", "--admin", $"127.0.0.1:{port}", "--admin-token", "@missing", "--user", "nobody-of-this-name", "--chdir", "missing",
            "--hook", "worker-exit=if true", "--before-start", "echo (", "./Shop.dll");

        Assert.Equal(2, code);
        var problems = output.Split('\n').Where(static line => line.StartsWith("PROBLEM ", StringComparison.Ordinal)).Select(static line => line["PROBLEM ".Length..].TrimStart()).ToList();
        Assert.Collection(
            problems,
            static line => Assert.Matches(@"^settings +AdminToken \('@missing', --admin-token on the command line\) cannot be read", line),
            static line => Assert.Matches(@"^settings +Chdir \('missing'\) must be an existing folder", line),
            static line => Assert.Matches(@"^settings +User \('nobody-of-this-name'\): no such user", line),
            line => Assert.Matches($@"^binds +Admin \('127.0.0.1:{port}'\): cannot listen on tcp://127.0.0.1:{port}: address already in use \(held by .*, pid [0-9]+\)", line),
            static line => Assert.Matches(@"^files +LogFile \('FOLDER/missing/green.log'\) cannot be written by this user \(.*\): there is no folder FOLDER/missing", line),
            static line => Assert.Matches(@"^files +PidFile \('FOLDER/?'\) cannot be written .*: it is a folder", line),
            static line => Assert.Matches(@"^files +FOLDER/a-file/dumps cannot contain the stacks of hung workers \(DumpOnStale\): FOLDER/a-file is not a folder", line),
            static line => Assert.Matches(@"^files +AccessLog \('FOLDER/missing/access.log'\) cannot be written .*: there is no folder", line),
            static line => Assert.Matches(@"^commands +BeforeStart \('echo \('\) is not valid for /bin/sh: .*[Ss]yntax error", line),
            static line => Assert.Matches(@"^commands +Hook \('worker-exit=if true'\) is not valid for /bin/sh", line));
    }

    [Fact]
    public void What_is_right_is_said_to_be_and_nothing_is_left_behind()
    {
        InstallShop();
        Write("token", "0123456789abcdef");
        Write("appsettings.json", """{ "GreenTransport": { "AccessLog": "access.log" } }""");
        var before = Directory.GetFileSystemEntries(Folder).Order();

        var (code, output, _) = Green(
            Host() with { Width = 400 }, "check", "-b", "127.0.0.1:0", "--log-file", "green.log", "--pid-file", "green.pid", "--dump-on-stale", "new/dumps",
            "--admin", "unix:admin.sock", "--admin-token", "@token", "--hook", "worker-exit=logger worker $GREEN_HOOK_WORKER", "./Shop.dll");

        Assert.Equal(0, code);
        foreach (var expected in (string[])["FOLDER/green.log: can be written", "FOLDER/green.pid: can be written", "FOLDER/access.log: can be written", "FOLDER/new/dumps: can contain",
            "unix:FOLDER/admin.sock: can be bound (Admin)", "token: contains a token", "valid for /bin/sh"])
        {
            Assert.Contains(expected, output);
        }

        Assert.Equal(before, Directory.GetFileSystemEntries(Folder).Order());
    }

    [Fact]
    public void A_file_that_the_workers_user_cannot_reach_is_told()
    {
        InstallShop();

        // Only its own user may enter the test's folder.
        var (_, output, _) = Green(Host() with { Width = 400 }, "check", "-b", "127.0.0.1:0", "--user", "nobody", "--access-log", "access.log", "./Shop.dll");

        if (System.Environment.UserName != "root")
        {
            Assert.Contains("User ('nobody'): only root may start workers as another user", output);
            return;
        }

        var lines = Lines(output, "files");
        Assert.Equal(2, lines.Count);
        Assert.Matches(@"^PROBLEM +files +AccessLog \('FOLDER/access.log'\) cannot be written by the workers' user nobody \([0-9]+:[0-9]+\): ", lines[0]);
        Assert.Matches(@"^PROBLEM +files +FOLDER/Shop.dll cannot be read by the workers' user nobody \([0-9]+:[0-9]+\): Permission denied", lines[1]);
    }

    [Fact]
    public void What_a_running_supervisor_of_this_name_holds_it_may_hold()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        using var supervisor = new FakeSupervisor(
            Path.Combine(Folder, "hello.sock"), SampleStatus.Answer(SampleStatus.Document with { Listeners = [new ListenerStatus($"tcp://127.0.0.1:{port}", 1, 0)] }));

        Assert.Contains($"127.0.0.1:{port}: held by the running supervisor hello (pid 4120)", Green("check", "--name", "hello", "-b", $"127.0.0.1:{port}").Out);
    }

    [Theory]
    [InlineData(-400, -100, "PROBLEM", "expired on")]
    [InlineData(-10, 5, "warning", "expires on")]
    [InlineData(-10, 300, "ok", "is valid until")]
    [InlineData(5, 300, "PROBLEM", "is not valid before")]
    public void A_certificate_is_looked_at_as_Kestrel_would_load_it(int fromDays, int toDays, string severity, string text)
    {
        using var key = ECDsa.Create();
        var request = new CertificateRequest("CN=shop.example", key, HashAlgorithmName.SHA256);
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.CreateSelfSigned(now.AddDays(fromDays), now.AddDays(toDays));
        File.WriteAllBytes(Path.Combine(Folder, "shop.pfx"), certificate.Export(X509ContentType.Pfx, "secret"));
        Write("shop.pem", certificate.ExportCertificatePem());
        Write("shop.key", key.ExportPkcs8PrivateKeyPem());
        Environment["Kestrel__Certificates__Default__Path"] = "shop.pfx";
        Environment["Kestrel__Certificates__Default__Password"] = "secret";
        Environment["Kestrel__Endpoints__Main__Certificate__Path"] = "shop.pem";
        Environment["Kestrel__Endpoints__Main__Certificate__KeyPath"] = "shop.key";

        var lines = Lines(Green(Host() with { Width = 300 }, "check", "-b", "127.0.0.1:0").Out, "certificates");

        Assert.Equal(2, lines.Count);
        Assert.All(lines, line => Assert.Matches($"^{severity} .*\\(shop.example\\) {text}", line));
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("""{ "runtimeOptions": { "configProperties": { "Microsoft.AspNetCore.Server.Kestrel.DisableCertificateFileWatching": false } } }""", true)]
    [InlineData("""{ "runtimeOptions": { "configProperties": { "Microsoft.AspNetCore.Server.Kestrel.DisableCertificateFileWatching": true } } }""", false)]
    public void Kestrels_own_watching_of_certificates_is_warned_of(string runtimeConfig, bool isWarned)
    {
        InstallShop();
        Write("Shop.runtimeconfig.json", runtimeConfig);
        Assert.Empty(Lines(Green("check", "-b", "127.0.0.1:0", "./Shop.dll").Out, "certificates"));

        Environment["Kestrel__Certificates__Default__Path"] = "missing.pfx";
        var lines = Lines(Green(Host() with { Width = 400 }, "check", "-b", "127.0.0.1:0", "./Shop.dll").Out, "certificates");
        Assert.Equal(isWarned, lines.Exists(static line => line.StartsWith("warning", StringComparison.Ordinal) && line.Contains("closes all connections of all workers at once", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_wrong_password_and_a_missing_key_are_told()
    {
        using var key = ECDsa.Create();
        using var certificate = new CertificateRequest("CN=shop", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(90));
        File.WriteAllBytes(Path.Combine(Folder, "shop.pfx"), certificate.Export(X509ContentType.Pfx, "secret"));
        Write("shop.pem", certificate.ExportCertificatePem());
        Environment["Kestrel__Certificates__Default__Path"] = "shop.pfx";
        Environment["Kestrel__Certificates__Default__Password"] = "guess";
        Environment["Kestrel__Endpoints__Main__Certificate__Path"] = "shop.pem";

        var lines = Lines(Green(Host() with { Width = 400 }, "check", "-b", "127.0.0.1:0").Out, "certificates");

        Assert.Contains("Is Kestrel:Certificates:Default:Password correct?", lines[0]);
        Assert.Contains("contains no private key: set its file in Kestrel:Endpoints:Main:Certificate:KeyPath.", lines[1]);
    }

    [Theory]
    [InlineData("upstream app { server 127.0.0.1:8080; keepalive 32; }", "proxy_http_version 1.1; proxy_set_header Connection '';", "points here")]
    [InlineData("upstream app { server unix:/run/shop.sock max_fails=0; keepalive 32; }", "proxy_http_version 1.1; proxy_set_header Connection \"\";", "points here")]
    [InlineData("upstream app { server localhost:8080; }", "", "points here", "upstream app has no keepalive")]
    [InlineData("upstream app { server 127.0.0.1:8080; keepalive 32; } # proxy_http_version 1.1;", "", "points here", "has no effect without proxy_http_version 1.1")]
    [InlineData("upstream app { server 127.0.0.1:8080; keepalive 32; keepalive_timeout 3m; }", "proxy_http_version 1.1; proxy_set_header Connection '';", "points here", "keepalive_timeout of upstream app (3m) is not shorter")]
    [InlineData("upstream app { server 127.0.0.1:8080; keepalive 2000; }", "proxy_http_version 1.1; proxy_set_header Connection '';", "points here", "have 2000 slots")]
    [InlineData("upstream app { server 127.0.0.1:8080; keepalive 32; }", "proxy_http_version 1.1; proxy_set_header Connection '${x}'; proxy_read_timeout 5s;", "points here", "proxy_read_timeout (5s) is shorter than GracefulTimeout (30s)")]
    [InlineData("upstream app { server 127.0.0.1:8081; }", "", "no proxy_pass in")]
    [InlineData("upstream app { server 127.0.0.1:8080;", "", "ends within a block")]
    public void An_nginx_configuration_is_held_against_the_settings(string upstream, string inLocation, params string[] expected)
    {
        Write("conf.d/app.conf", upstream + "\nserver { location / { proxy_pass http://app; " + inLocation + " } }");
        Write("nginx.conf", "worker_processes 1; http { include conf.d/*.conf; }");

        var lines = Lines(
            Green(Host() with { Width = 400 }, "check", "-w", "2", "-b", "127.0.0.1:8080", "-b", "unix:/run/shop.sock", "--nginx", "nginx.conf").Out, "nginx");

        Assert.Equal(expected.Length, lines.Count);
        Assert.All(lines.Zip(expected), static pair => Assert.Contains(pair.Second, pair.First));
    }

    private static List<string> Lines(string output, string area) =>
        [.. output.Split('\n').Where(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var found, ..] && found == area)];
}
