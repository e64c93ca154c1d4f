using System.Text.Json;
using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests.Operating;

/// <summary><c>green status</c>: a table for people, one JSON object for programs.</summary>
public sealed class StatusTests
{
    private static readonly string[] Top =
        ["schemaVersion", "name", "version", "supervisorPid", "state", "generation", "startedAt", "workersTarget", "verdicts", "listeners", "workers"];

    private static readonly string[] Listener = ["endpoint", "backlog", "queued"];

    private static readonly string[] Worker =
    [
        "index", "pid", "generation", "state", "uptimeSeconds", "heartbeatAgeSeconds", "connections", "connectionsLimit",
        "requestsInFlight", "requestsTotal", "acceptedTotal", "restarts", "rssBytes", "cpuSeconds", "warmUp", "compiledMethods", "compiledMethodsPerSecond",
        "cpuMicrosecondsPerRequest", "hot", "leader", "verdict", "lastExit",
    ];

    private static readonly string[] LastExit = ["reason", "exitCode", "signal", "at", "verdict", "index", "pid"];

    [Fact]
    public async Task The_json_has_exactly_the_promised_properties_in_order_and_true_values()
    {
        await using var green = GreenRun.Start(["-w", "1", "--worker-connections", "50", "--backlog", "77"]);
        var before = await green.Serving(1);
        var victim = before.Workers[0];
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        var worker = await green.Replaced(victim, before);
        var target = await green.Target();
        await target.Get("/pid");
        await target.Get("/pid");
        using var held = await target.Ask("/slow?ms=600000");
        await green.StatusWhen("figures are in", static status => status.Workers[0] is { AcceptedTotal: 3, RequestsInFlight: 1, Connections: 1 });

        await using var status = await green.Program("status", "--json");
        Assert.Equal(0, await status.Exit());
        Assert.Empty(status.ErrorLines);
        using var json = JsonDocument.Parse(string.Join('\n', status.OutputLines));
        var root = json.RootElement;
        Assert.Equal(Top, Names(root));
        var listener = Assert.Single(root.GetProperty("listeners").EnumerateArray());
        Assert.Equal(Listener, Names(listener));
        var only = Assert.Single(root.GetProperty("workers").EnumerateArray());
        Assert.Equal(Worker, Names(only));
        Assert.Equal(LastExit, Names(only.GetProperty("lastExit")));

        Assert.Equal(1, root.GetProperty("schemaVersion").GetInt32());
        Assert.Equal(green.Name, root.GetProperty("name").GetString());
        Assert.Equal(green.Process.Pid, root.GetProperty("supervisorPid").GetInt32());
        Assert.Equal("running", root.GetProperty("state").GetString());
        Assert.Equal(1, root.GetProperty("generation").GetInt64());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", root.GetProperty("startedAt").GetString()!);
        Assert.Equal(77, listener.GetProperty("backlog").GetInt32());
        Assert.Equal(worker.Pid, only.GetProperty("pid").GetInt32());
        Assert.Equal(50, only.GetProperty("connectionsLimit").GetInt64());
        Assert.Equal(2, only.GetProperty("requestsTotal").GetInt64() - only.GetProperty("requestsInFlight").GetInt64());
        Assert.True(only.GetProperty("rssBytes").GetInt64() > 10_000_000);
        Assert.True(only.GetProperty("cpuSeconds").GetDouble() > 0);
        Assert.InRange(only.GetProperty("heartbeatAgeSeconds").GetDouble(), 0, 30);
        Assert.Equal("crash", only.GetProperty("lastExit").GetProperty("reason").GetString());
        Assert.Equal((victim.Index, victim.Pid), (only.GetProperty("lastExit").GetProperty("index").GetInt32(), only.GetProperty("lastExit").GetProperty("pid").GetInt32()));
        Assert.Equal("SIGKILL", only.GetProperty("lastExit").GetProperty("signal").GetString());
        Assert.Equal(JsonValueKind.Null, only.GetProperty("lastExit").GetProperty("exitCode").ValueKind);
        await green.StopCleanly(Kernel.SIGINT);
    }

    [Fact]
    public async Task The_table_shows_a_line_for_every_worker_and_no_colour_where_none_is_wanted()
    {
        await using var green = GreenRun.Start(["-w", "2"]);
        var status = await green.Serving(2);
        await using var table = await green.Program("status");
        Assert.Equal(0, await table.Exit());
        foreach (var worker in status.Workers)
        {
            Assert.Single(table.OutputLines, line => Regex.IsMatch(line, $@"\b{worker.Index}\b.*\b{worker.Pid}\b.*serving"));
        }

        Assert.DoesNotContain('\e', table.Output);
        Assert.Contains(status.Listeners[0].Endpoint[6..], table.Output, StringComparison.Ordinal);
        await green.StopCleanly();
    }

    private static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(static property => property.Name);
}
