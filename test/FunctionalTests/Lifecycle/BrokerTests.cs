using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FunctionalTests.Harness;

namespace FunctionalTests.Lifecycle;

/// <summary>Without -b the app says where to listen, and all workers share the sockets that the supervisor binds for them.</summary>
public sealed class BrokerTests
{
    [Fact]
    public async Task Endpoints_of_the_app_are_shared_by_all_workers_with_TLS_and_outlive_them()
    {
        using var folder = new TemporaryFolder();
        await using var green = GreenRun.Start(
            ["-w", "2"],
            bind: false,
            environment:
            [
                ("Kestrel__Endpoints__Plain__Url", "http://127.0.0.1:0"),
                ("Kestrel__Endpoints__Secure__Url", "https://127.0.0.1:0"),
                ("Kestrel__Endpoints__Unix__Url", $"http://unix:{folder.File("app.sock")}"),
                ("Kestrel__Certificates__Default__Path", Certificate(folder)),
            ]);
        var status = await green.Serving(2);
        Assert.Equal(3, status.Listeners.Count);
        var plain = Target.Parse(status.Listeners[0].Endpoint);
        var secure = Target.Parse(status.Listeners[1].Endpoint);
        var unix = Target.Parse($"unix:{folder.File("app.sock")}");
        var pids = status.Workers.Select(static worker => worker.Pid!.Value).ToArray();
        Assert.Contains(await plain.Pid(), pids);
        Assert.Contains(await unix.Pid(), pids);
        Assert.Contains(int.Parse(await GetSecurely(secure), System.Globalization.CultureInfo.InvariantCulture), pids);

        // Each worker answers: while the other one is stopped, it is the only one that can.
        foreach (var pid in pids)
        {
            await Kernel.Freeze(pid);
            var other = await Eventually.Get("the other worker answers", () => plain.Pid(), found => found != pid, green.Process.Describe);
            Assert.Contains(other, pids);
            Kernel.Signal(pid, Kernel.SIGCONT);
        }

        // All at once: the sockets stay, and the replacements get the same ones.
        foreach (var pid in pids)
        {
            Kernel.Signal(pid, Kernel.SIGKILL);
        }

        var after = await green.StatusWhen(
            "two others serve",
            now => now.State == SupervisorPhase.Running && now.Workers.Count == 2 && now.Workers.All(worker => worker.State == WorkerPhase.Serving && !pids.Contains(worker.Pid!.Value)));
        Assert.Equal(status.Listeners.Select(static one => one.Endpoint), after.Listeners.Select(static one => one.Endpoint));
        Assert.Contains(await plain.Pid(), after.Workers.Select(static worker => worker.Pid!.Value));
        await green.StopCleanly();
        Assert.False(File.Exists(folder.File("app.sock")));
    }

    [Fact]
    public async Task An_https_url_of_the_environment_is_served_by_all_workers()
    {
        using var folder = new TemporaryFolder();
        await using var green = GreenRun.Start(
            ["-w", "2"],
            bind: false,
            environment: [("ASPNETCORE_URLS", "https://127.0.0.1:0"), ("Kestrel__Certificates__Default__Path", Certificate(folder))]);
        var status = await green.Serving(2);
        var pid = await GetSecurely(Target.Parse(Assert.Single(status.Listeners).Endpoint));
        Assert.Contains(pid, status.Workers.Select(static worker => $"{worker.Pid}"));
        await green.StopCleanly();
    }

    [Fact]
    public async Task An_endpoint_of_the_app_that_is_taken_ends_with_5_and_names_the_holder()
    {
        using var holder = new FreePort();
        await using var green = GreenRun.Start(["-w", "2"], bind: false, environment: ("TESTWORKER_BOOT", $"own-endpoint:{holder.Number}"));
        Assert.Equal(5, await green.Exit());
        Assert.Contains($"127.0.0.1:{holder.Number}", green.Process.Output, StringComparison.Ordinal);
        Assert.Contains($"pid {Environment.ProcessId}", green.Process.Output, StringComparison.Ordinal);
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task A_bind_wins_over_endpoints_in_code()
    {
        using var free = new FreePort();
        await using var green = GreenRun.Start(["-w", "1"], environment: ("TESTWORKER_BOOT", $"own-endpoint:{free.Number}"));
        var status = await green.Serving(1);
        Assert.Equal(status.Workers[0].Pid, await (await green.Target()).Pid());
        Assert.DoesNotContain(status.Listeners, one => one.Endpoint.EndsWith($":{free.Number}", StringComparison.Ordinal));
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_reload_keeps_the_sockets_that_are_still_asked_for_and_closes_the_others()
    {
        using var folder = new TemporaryFolder();
        using var free = new FreePort();
        var port = free.Release();
        Configure($$"""{ "Web": { "Url": "http://127.0.0.1:0" }, "Extra": { "Url": "http://127.0.0.1:{{port}}" } }""");
        await using var green = GreenRun.Start(["-w", "2", "--chdir", folder.Path], bind: false);
        var before = await green.Serving(2);
        Assert.Equal(2, before.Listeners.Count);
        Assert.Contains(await Target.Loopback(port).Pid(), before.Workers.Select(static worker => worker.Pid!.Value));

        Configure("""{ "Web": { "Url": "http://127.0.0.1:0" } }""");
        Kernel.Signal(green.Process.Pid, Kernel.SIGHUP);
        var after = await green.StatusWhen(
            "generation 2 serves on one socket", static now => now is { Generation: 2, State: SupervisorPhase.Running, Listeners.Count: 1, Workers.Count: 2 });
        Assert.Equal(before.Listeners.Single(one => !one.Endpoint.EndsWith($":{port}", StringComparison.Ordinal)).Endpoint, after.Listeners[0].Endpoint);
        Assert.Contains(await (await green.Target()).Pid(), after.Workers.Select(static worker => worker.Pid!.Value));
        var refused = await Assert.ThrowsAsync<SocketException>(() => Target.Loopback(port).Pid());
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        await green.StopCleanly();

        void Configure(string endpoints) => File.WriteAllText(folder.File("appsettings.json"), $$"""{ "Kestrel": { "Endpoints": {{endpoints}} } }""");
    }

    private static string Certificate(TemporaryFolder folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        var path = folder.File("app.pfx");
        File.WriteAllBytes(path, certificate.Export(X509ContentType.Pfx));
        return path;
    }

    private static async Task<string> GetSecurely(Target target)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(target.EndPoint);
        await using var tls = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, static (_, certificate, _, _) => certificate?.Subject == "CN=localhost");
        await tls.AuthenticateAsClientAsync("localhost");
        await tls.WriteAsync(Encoding.ASCII.GetBytes("GET /pid HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(tls, Encoding.ASCII);
        var answer = await reader.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);

        // One chunk: its size, the pid, the end marker.
        var body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..].Split("\r\n");
        return body.Length == 1 ? body[0] : body[1];
    }
}
