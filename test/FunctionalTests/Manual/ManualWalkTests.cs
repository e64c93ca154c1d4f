using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests.Manual;

/// <summary>Pages of the manual, typed exactly: each command exits as the page says, and prints what it shows.</summary>
public sealed partial class ManualWalkTests
{
    [Fact]
    [Walks("README.md")]
    public async Task The_readme()
    {
        using var port = new FreePort();
        await using var reader = new Reader("hello", ("GREEN_BIND", $"127.0.0.1:{port.Release()}"));
        reader.Here("8080", $"{port.Number}");
        reader.Here("./Shop.dll", Repo.Hello);
        reader.Here("-w 4", "-w 1");
        reader.Here("scale 6", "scale 2");
        reader.Here("dotnet run --project samples/", $"dotnet run --no-build --project {Repo.Path("samples/")}");
        var page = new PageWalk("README.md", reader);

        await page.Type("dotnet run --project samples/Hello");
        await page.Type("curl");
        Assert.NotEqual(reader.Pid("18344"), reader.Pid("18338"));
        await reader.Serving(2);
        await reader.PressControlC();

        // A built green is already on the path; the test of getting-started publishes one as the page says.
        reader.Here("dotnet publish src/KestrelGreenTransport.Tool -o artifacts/green", "true");
        reader.Here("$PWD/artifacts/green:", "");
        var use = page.StepThrough("dotnet publish");
        await use.Next("dotnet publish src/KestrelGreenTransport.Tool -o artifacts/green");
        await use.Next("export PATH=");
        await use.Next("green check");
        await use.Next("green run");
        var worker = Assert.Single((await reader.Serving(1)).Workers);
        Assert.Matches($"{worker.Index} +{worker.Pid} ", await use.Next("green status"));
        await use.Next("green top");
        await use.Next("green logs -f");
        await reader.Running.Line("worker 1 .* is ready");
        await reader.PressControlC(code: 130);
        await use.Next("green scale 6");
        await reader.Serving(2);
        await use.Next("green reload");
        Assert.Equal(2, (await reader.Serving(2)).Generation);
        await page.Say("source <(green completions bash)");
        await page.Say("green run -w 4 ./Shop.dll", "green run -w 4 -b 127.0.0.1:0 ./Shop.dll", code: 2);
        await use.Next("green stop");
        use.End();
        await reader.Ended();
        page.End();
    }

    [Fact]
    [Walks("docs/deployment.md")]
    public async Task Deployment()
    {
        using var port = new FreePort();
        await using var reader = new Reader("shop", ("GREEN_NAME", "shop"), ("GREEN_BIND", $"127.0.0.1:{port.Release()}"));
        foreach (var release in new[] { "41", "42" })
        {
            var folder = Directory.CreateDirectory(reader.File($"shop/releases/{release}")).FullName;
            foreach (var file in Directory.GetFiles(Path.GetDirectoryName(Repo.TestWorker)!))
            {
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            }
        }

        File.CreateSymbolicLink(reader.File("shop/current"), "releases/41");
        reader.Here("/srv/shop", reader.File("shop"));
        reader.Here("Shop.dll", Path.GetFileName(Repo.TestWorker));
        reader.Here("-w 4", "-w 2");
        var page = new PageWalk("docs/deployment.md", reader);

        await page.Type("readlink");
        await reader.Serving(2);
        Assert.Equal("42", await (await reader.Target()).Get("/release"));

        var before = await reader.Serving(2);
        var (restarted, other) = (before.Workers[1], before.Workers[0]);
        await page.Say("green restart 2", $"green restart {restarted.Index}");
        var after = (await reader.Serving(2)).Workers.Select(static worker => worker.Pid).ToList();
        Assert.Contains(other.Pid, after);
        Assert.DoesNotContain(restarted.Pid, after);
        await page.Say("green drain --all");
        await page.Say("green reload");
        Assert.Equal(3, (await reader.Serving(2)).Generation);
        await page.Say("green restart");
        await reader.Serving(2);
        await page.Say("green scale", "green scale 1");
        await reader.Serving(1);
        await page.Say("kill -HUP", $"kill -HUP {reader.Running.Pid}");
        await reader.StatusWhen("it has reloaded", static status => status is { State: SupervisorPhase.Running, Generation: 4 });
        await page.Type("green upgrade");

        // What `green scale` set is gone with the old supervisor.
        var upgraded = await reader.Serving(2);
        Assert.NotEqual(reader.Running.Pid, upgraded.SupervisorPid);
        await reader.Type("green stop");
        await reader.Ended();
        page.End();
    }

    /// <summary>The nginx directives that the pages name are those of the samples, which NginxTests and SeveralHostsTests run.</summary>
    [Fact]
    public void What_is_said_to_nginx_stands_in_a_sample()
    {
        var samples = File.ReadAllText(Repo.Path("samples/NginxProxy/nginx.conf")) + File.ReadAllText(Repo.Path("samples/SeveralHosts/nginx.conf"));
        var named = ManualPage.All.Where(static page => page.StartsWith("docs", StringComparison.Ordinal))
            .SelectMany(ManualPage.Spans)
            .Where(static span => Directive().IsMatch(span))
            .ToHashSet();
        Assert.Contains("keepalive 32;", named);
        Assert.Equal(
            [
                // Belongs to nginx's stream module, which is not always installed; ProxyHeaderTests uses HAProxy instead.
                "proxy_protocol on;",
            ],
            named.Where(directive => !samples.Contains($" {directive}\n", StringComparison.Ordinal)));
    }

    [Fact]
    [Walks("docs/configuration.md")]
    public async Task Configuration()
    {
        await using var reader = new Reader("testworker");
        reader.Here("./Shop.dll", Repo.TestWorker);
        reader.Here("/etc/nginx/nginx.conf", reader.File("nginx.conf"));
        var listen = $"unix:{reader.File("app.sock")}";
        await File.WriteAllTextAsync(
            reader.File("nginx.conf"),
            (await File.ReadAllTextAsync(Repo.Path("samples/NginxProxy/nginx.conf"))).Replace("@UPSTREAM@", listen, StringComparison.Ordinal).Replace("@LISTEN@", "127.0.0.1:8088", StringComparison.Ordinal));
        await reader.Type($"export GREEN_BIND={listen}");
        var page = new PageWalk("docs/configuration.md", reader);

        var looks = page.StepThrough("green config");
        Assert.Matches($"(?m)^Bind +{Regex.Escape(listen)} +GREEN_BIND$", await looks.Next("green config --show-sources"));
        Assert.Contains("nginx", await looks.Next("green check --nginx"), StringComparison.Ordinal);
        looks.End();
        Assert.Equal(
            await File.ReadAllTextAsync(Repo.Path("docs/schemas/green.schema.json")),
            await page.Say("green config --schema green.json") + "\n");

        await page.Say("green run ./Shop.dll -- --name x");
        await reader.StatusWhen("it serves", static status => status.State == SupervisorPhase.Running);
        Assert.Equal("""["--name","x"]""", await (await reader.Target()).Get("/args"));
        await reader.Type("green stop");
        await reader.Ended();
        await page.Say("green run --timeout 10s …", "green check --timeout 10s ./Shop.dll");
        await page.Say("green run --accept-batch 10", "green check --accept-batch 10 ./Shop.dll");
        await page.Say("green run [options] APP [arguments]", "green run --timeout 10s /no/such/app.dll --of the-app", code: 4);
        page.End();
    }

    /// <summary>An operator's everyday tasks, on four pages and with one supervisor.</summary>
    [Fact]
    [Walks("docs/from-gunicorn.md")]
    [Walks("docs/scaling.md")]
    public async Task Operations()
    {
        using var port = new FreePort();
        await using var reader = new Reader("shop", ("GREEN_NAME", "shop"));
        reader.Here("8080", $"{port.Release()}");
        reader.Here("./Shop.dll", Repo.TestWorker);
        reader.Here("-d10s", "-d1s");
        reader.Here("-w 4", "-w 2");
        var command = ManualPage.Block("docs/from-gunicorn.md", "gunicorn -w 4").Commands.Single(static typed => typed.Command.StartsWith("green ", StringComparison.Ordinal)).Command;
        const string again = "green run -b 127.0.0.1:0 ./Shop.dll";
        await reader.Type(command);
        var worker = (await reader.Serving(2)).Workers[0].Pid!.Value;
        Assert.Equal(500, (await reader.Status()).Workers[0].ConnectionsLimit);
        reader.Here("PID", $"{worker}");

        var gunicorn = new PageWalk("docs/from-gunicorn.md", reader);
        await gunicorn.Say("green config --show-sources");
        gunicorn.End();

        // The exit codes that the troubleshooting page gives for its messages.
        var trouble = new PageWalk("docs/troubleshooting.md", reader);
        Assert.Matches(Said("a supervisor named"), await reader.Type(again, code: 2));
        Assert.Matches(Said("cannot listen on 127.0.0.1:8080"), await reader.Type($"{command.Replace("green run", "green run --name other", StringComparison.Ordinal)}", code: 5));
        Assert.Matches(Said("the app listens on"), await reader.Type("TESTWORKER_BOOT=plain green run --name other -b 127.0.0.1:0 --boot-timeout 4s ./Shop.dll", code: 4));

        var scaling = new PageWalk("docs/scaling.md", reader);
        await scaling.Type("green status --json | jq");
        await scaling.Type("green status");
        await scaling.Type("ls /proc/PID/fd | wc -l");
        await scaling.Say("green top");
        scaling.End();

        await reader.Serving(2);
        await trouble.Say("green status");
        Assert.Contains("serving", await trouble.Say("green status N", "green status 1"), StringComparison.Ordinal);
        Assert.Contains("Main", await trouble.Say("green dump 2"), StringComparison.Ordinal);
        reader.Here("PID", $"{(await reader.Status()).SupervisorPid}");
        await trouble.Say("prlimit --pid PID --nofile=N", "prlimit --pid PID --nofile=900");
        await trouble.Say("green scale N", "green scale 1");
        await reader.Serving(1);

        var signals = new PageWalk("docs/signals-and-exit-codes.md", reader);
        await signals.Say("green scale N", "green scale 2");
        await reader.Serving(2);
        await signals.Say("green scale N", "green scale 1");
        await signals.Say("green reload");
        await signals.Say("green drain --all");
        await signals.Say("green reload");
        await signals.Say("green restart [N]", $"green restart {(await reader.Serving(1)).Workers[0].Index}");
        await signals.Say("green stop --quick");
        await reader.Ended();
        await signals.Say("green stop", code: 6);
        await signals.Say("green run …", command);
        await reader.Serving(2);
        await trouble.Say("green stop --name shop");
        await reader.Ended();
        trouble.End();
        signals.End();
    }

    /// <summary>A pattern for a message of the page, with anything in place of its figures and names.</summary>
    private static string Said(string begins)
    {
        var shown = Assert.Single(ManualPage.Spans("docs/troubleshooting.md"), span => span.StartsWith(begins, StringComparison.Ordinal));
        return string.Join(".+", Figure().Split(shown).Select(Regex.Escape));
    }

    [GeneratedRegex(@"^[a-z_]+ [\w@= ]+;$")]
    private static partial Regex Directive();

    [GeneratedRegex(@"…|/\S+|[\d.:]+\d|\d+|'\w+'|nginx")]
    private static partial Regex Figure();
}
