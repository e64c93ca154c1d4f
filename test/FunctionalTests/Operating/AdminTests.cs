using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using FunctionalTests.Browsing;
using FunctionalTests.Harness;

namespace FunctionalTests.Operating;

/// <summary>The admin endpoint of a real supervisor, over plain HTTP and in a real browser.</summary>
public sealed class AdminTests
{
    private const string Token = "a-token-of-the-test";

    [Fact]
    public async Task Its_figures_are_those_of_the_workers_and_it_lets_nobody_act_without_the_token()
    {
        var port = new FreePort().Release();
        await using var green = GreenRun.Start(["-w", "2", "--admin", $"127.0.0.1:{port}", "--heartbeat-interval", "100ms"], environment: ("GREEN_ADMIN_TOKEN", Token));
        await green.Serving(2);
        var target = await green.Target();
        for (var i = 0; i < 20; i++)
        {
            await target.Get("/pid");
        }

        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await Eventually.Get(
            "the requests are counted", () => client.GetStringAsync("/metrics"), static text => text.Contains("\ngreen_request_duration_seconds_count 20\n", StringComparison.Ordinal));
        Assert.Equal("ok\n", await client.GetStringAsync("/healthz"));
        Assert.Equal("running: 2 of 2 workers serving\n", await client.GetStringAsync("/readyz"));
        var status = JsonDocument.Parse(await client.GetStringAsync("/status")).RootElement;
        Assert.Equal(green.Name, status.GetProperty("name").GetString());
        Assert.Equal(2, status.GetProperty("workers").GetArrayLength());
        var environment = await File.ReadAllTextAsync($"/proc/{status.GetProperty("workers")[0].GetProperty("pid").GetInt32()}/environ");
        Assert.DoesNotContain(Token, environment, StringComparison.Ordinal);

        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/status") { Headers = { Host = "evil.example" } };
        Assert.Equal(HttpStatusCode.Forbidden, (await client.SendAsync(rebound)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Act(client, "scale", """{"workers":1}""", token: null)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Act(client, "scale", """{"workers":1}""", "a-token-of-somebody")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Act(client, "dance", "{}", Token)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await Act(client, "scale", "{", Token)).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await Act(client, "scale", """{"workers":0}""", Token)).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await client.PostAsync("/status", null)).StatusCode);
        Assert.Equal(2, (await green.Status()).WorkersTarget);

        Assert.Equal(HttpStatusCode.OK, (await Act(client, "scale", """{"workers":1}""", Token)).StatusCode);
        await green.Serving(1);
        Assert.Contains("\ngreen_workers_target 1\n", await client.GetStringAsync("/metrics"), StringComparison.Ordinal);

        // Requests answered by a worker that has exited stay counted.
        Assert.Contains("\ngreen_request_duration_seconds_count 20\n", await client.GetStringAsync("/metrics"), StringComparison.Ordinal);
        await green.StopCleanly();
    }

    [Fact]
    public async Task An_address_that_is_taken_is_exit_code_5_and_a_remote_one_needs_a_token()
    {
        var port = new FreePort().Release();
        await using var first = GreenRun.Start(["-w", "1", "--admin", $"127.0.0.1:{port}"]);
        await first.Serving(1);
        await using var second = GreenRun.Start(["-w", "1", "--admin", $"127.0.0.1:{port}"]);
        await using var remote = GreenRun.Start(["-w", "1", "--admin", $":{port}"]);

        Assert.Equal(5, await second.Exit());
        Assert.Contains($"the admin endpoint cannot listen on 127.0.0.1:{port}: address already in use.", second.Process.Output, StringComparison.Ordinal);
        Assert.Equal(2, await remote.Exit());
        await first.StopCleanly();
    }

    [Fact]
    public async Task The_page_loads_updates_when_a_worker_is_killed_and_acts()
    {
        var port = new FreePort().Release();
        await using var green = GreenRun.Start(
            ["-w", "2", "--admin", $"localhost:{port}", "--heartbeat-interval", "100ms"], environment: ("GREEN_ADMIN_TOKEN", Token));
        var before = await green.Serving(2);
        var target = await green.Target();
        await target.Get("/print?lines=1&text=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E");
        await using var browser = await Browser.Start();
        await browser.Look(1280, 1000, dark: false);
        await browser.Open($"http://127.0.0.1:{port}/");

        await browser.Until("document.querySelectorAll('[data-worker]').length === 2 && document.getElementById('state').textContent === 'running'");
        Assert.Equal($"{green.Name}: running", await browser.Evaluate("document.title"));

        // A chart's current value equals the one on its card.
        using var held = await RawConnection.To(target);
        await held.Get("/pid");
        const string CardAndChart = """
            ((card, chart) => [[...document.querySelectorAll('#now .card')].find(one => one.querySelector('span').textContent.startsWith(card)).querySelector('b').textContent,
            [...document.querySelectorAll('.chart')].find(one => one.querySelector('.name').textContent === chart).querySelector('.at').textContent.split(' / ')[0]])
            """;
        await browser.Until($"{CardAndChart}('conns of', 'Connections').every(text => text === '1')");
        await browser.Until($"{CardAndChart}('requests a second', 'Requests a second').every((text, i, both) => text !== '0' && text === both[0])");
        held.Dispose();
        await browser.Until("document.querySelectorAll('#events [data-event=WorkerReady]').length === 2");

        // Markup in a log line is shown as text.
        await browser.Evaluate("document.querySelectorAll('.worker button').forEach(button => button.textContent === 'log' && button.click())");
        await browser.Until("[...document.querySelectorAll('.worker pre')].some(log => log.textContent.includes('<img src=x onerror=alert(1)>'))");
        Assert.Equal("0", await browser.Evaluate("document.querySelectorAll('.worker pre img').length"));

        Kernel.Signal(before.Workers[1].Pid!.Value, Kernel.SIGKILL);
        await browser.Until($"document.querySelector('#events [data-event=WorkerDied]')?.textContent.includes('pid {before.Workers[1].Pid}')");
        await browser.Until("[...document.querySelectorAll('.worker')].some(card => card.textContent.includes('1 restart, last: crash (SIGKILL)') && card.textContent.includes('serving'))");

        // Actions are locked at first; a wrong token locks them again and says why.
        Assert.Equal("0", await browser.Evaluate("document.querySelectorAll('[data-act]:not([hidden])').length"));
        await Unlock(browser, "not the token of it");
        await browser.Evaluate("document.getElementById('scale').click()");
        await browser.Until("document.getElementById('said').className === 'bad' && document.getElementById('unlock')");
        var refused = Assert.Single(browser.Console);
        Assert.Contains("401", refused, StringComparison.Ordinal);
        await Unlock(browser, Token);
        await browser.Evaluate("document.getElementById('workersWanted').value = 3; document.getElementById('scale').click()");
        await browser.Until("document.querySelectorAll('[data-worker]').length === 3 && document.getElementById('said').textContent === 'scale to 3: accepted'");
        await green.Serving(3);

        // Each worker's buttons act only on that worker, after a confirmation; answering no changes nothing.
        var three = await green.Serving(3);
        var chosen = three.Workers[0];
        await browser.Evaluate("window.confirm = () => false");
        await Press(browser, chosen.Index, "drain");
        Assert.Equal(chosen.Pid, (await green.Status()).Workers.Single(worker => worker.Index == chosen.Index).Pid);
        await browser.Evaluate("window.confirm = () => true");
        await Press(browser, chosen.Index, "dump");
        await browser.Until($"document.querySelector('[data-worker=\"{chosen.Index}\"] pre').textContent.includes('with managed frames')");
        await Press(browser, chosen.Index, "drain");
        var drained = await green.StatusWhen("one worker is replaced", status =>
            status.State == SupervisorPhase.Running && status.Workers.Count == 3 && status.Workers.All(worker => worker.State == WorkerPhase.Serving && worker.Pid != chosen.Pid));
        Assert.Equal(2, drained.Workers.Select(static worker => worker.Pid).Intersect(three.Workers.Select(static worker => worker.Pid)).Count());
        await browser.Until($"document.querySelectorAll('[data-worker]').length === 3 && document.querySelector('[data-worker=\"{drained.Workers[^1].Index}\"]')");
        await Press(browser, drained.Workers[^1].Index, "restart");
        var restarted = await green.Replaced(drained.Workers[^1], drained);
        await browser.Evaluate("document.getElementById('reload').click()");
        await green.StatusWhen("it is reloaded", status => status is { State: SupervisorPhase.Running, Generation: 2 } && status.Workers.All(worker => worker.Generation == 2 && worker.Pid != restarted.Pid));

        foreach (var (name, width, dark) in new[] { ("wide-light", 1280, false), ("wide-dark", 1280, true), ("phone-dark", 390, true) })
        {
            await browser.Look(width, 1000, dark);
            Assert.Equal("true", await browser.Evaluate("document.documentElement.scrollWidth <= window.innerWidth"));
            await browser.Screenshot(Repo.Path($"artifacts/admin-{name}.png"));
        }

        Assert.Same(refused, Assert.Single(browser.Console));
        await browser.Evaluate("[...document.querySelectorAll('button')].find(button => button.textContent === 'stop').click()");
        Assert.Equal(0, await green.Exit());
        green.AssertNothingLeft();
        await browser.Until("document.getElementById('lost').className === 'on'");
    }

    private static Task<HttpResponseMessage> Act(HttpClient client, string action, string body, string? token)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"/actions/{action}") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return client.SendAsync(request);
    }

    private static Task<string> Press(Browser browser, int worker, string button) =>
        browser.Evaluate($"[...document.querySelector('[data-worker=\"{worker}\"]').querySelectorAll('button')].find(button => button.textContent === '{button}').click()");

    private static async Task Unlock(Browser browser, string token)
    {
        await browser.Evaluate($"document.getElementById('token').value = '{token}'; document.getElementById('unlock').click()");
        await browser.Until("document.getElementById('workersWanted')");
    }
}
