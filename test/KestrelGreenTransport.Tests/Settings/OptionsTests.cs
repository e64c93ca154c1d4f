using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Tests.Supervision;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Tests.Settings;

public class OptionsTests
{
    [Fact]
    public void The_section_wins_over_code_and_the_environment_over_the_section()
    {
        var options = Resolve(
            code => (code.WorkerConnections, code.Backlog, code.AcceptBatch) = (1, 1, 1),
            new() { ["Backlog"] = "2", ["AcceptBatch"] = "2" },
            new() { ["GREEN_ACCEPT_BATCH"] = "3" });
        Assert.Equal((1, 2, 3), (options.WorkerConnections, options.Backlog, options.AcceptBatch));
    }

    [Fact]
    public void Every_setting_can_be_written_as_people_write_it()
    {
        var options = Resolve(
            code => code.AcceptBatch = 5,
            new()
            {
                ["WorkerConnections"] = "10",
                ["Backlog"] = " 20 ",
                ["AcceptBatch"] = "auto",
                ["AcceptMinDelay"] = "20ms",
                ["AcceptMaxDelay"] = "00:00:02",
                ["MaxReadBufferSize"] = "2MB",
                ["MaxWriteBufferSize"] = "unlimited",
                ["NoDelay"] = "false",
                ["UnixFileMode"] = "0660",
                ["Backend"] = "sockets",
                ["GracefulTimeout"] = "1m30s",
                ["DeferAccept"] = "2s",
                ["ReusePort"] = "true",
                ["ProxyProtocol"] = "any",
                ["ProxyProtocolTrusted"] = "10.0.0.0/8, 192.0.2.7;2001:db8::/32",
                ["UpgradedConnectionsHoldSlot"] = "0",
                ["KeepAlive"] = "75",
            },
            []);
        Assert.Equal((10, 20, null), (options.WorkerConnections, options.Backlog, options.AcceptBatch));
        Assert.Equal((TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(2)), (options.AcceptMinDelay, options.AcceptMaxDelay));
        Assert.Equal((2 * 1024 * 1024, null), (options.MaxReadBufferSize, options.MaxWriteBufferSize));
        Assert.False(options.NoDelay);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite, options.UnixFileMode);
        Assert.Equal(GreenTransportBackend.Sockets, options.Backend);
        Assert.Equal(TimeSpan.FromSeconds(90), options.GracefulTimeout);
        Assert.Equal((TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(75)), (options.DeferAccept, options.KeepAlive));
        Assert.Equal((true, false), (options.ReusePort, options.UpgradedConnectionsHoldSlot));
        Assert.Equal(GreenTransportProxyProtocol.Any, options.ProxyProtocol);
        Assert.Equal("10.0.0.0/8 192.0.2.7/32 2001:db8::/32", string.Join(' ', options.ProxyProtocolTrusted));
    }

    [Fact]
    public void A_list_may_be_written_as_JSON_writes_lists()
    {
        var options = Resolve(
            code => code.ProxyProtocolTrusted.Clear(), new() { ["ProxyProtocolTrusted:0"] = "10.0.0.0/8", ["ProxyProtocolTrusted:1"] = "::1" }, []);
        Assert.Equal("10.0.0.0/8 ::1/128", string.Join(' ', options.ProxyProtocolTrusted));
    }

    [Fact]
    public async Task KeepAlive_reaches_Kestrel_and_wins_over_code()
    {
        foreach (var (keepAlive, expected) in ((TimeSpan?, int)[])[(null, 7), (TimeSpan.FromSeconds(75), 75)])
        {
            var app = TestApp.Create(options => options.KeepAlive = keepAlive, kestrel: static options => options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(7));
            Assert.Equal(TimeSpan.FromSeconds(expected), app.App.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits.KeepAliveTimeout);
            await app.App.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("WorkerConnections", "0", "WorkerConnections (0, from GreenTransport:WorkerConnections) must be from 1 to 1000000: it is the number of connections that each listener holds at most.")]
    [InlineData("WorkerConnections", "many", "WorkerConnections ('many', from GreenTransport:WorkerConnections) must be a whole number.")]
    [InlineData("AcceptBatch", "0", "AcceptBatch (0, from GreenTransport:AcceptBatch) must be from 1 to 10000: leave it out for the automatic choice.")]
    [InlineData("AcceptMinDelay", "0s", "AcceptMinDelay (0s, from GreenTransport:AcceptMinDelay) must be from 1ms to 1m: without a pause, running out of descriptors would keep a core busy.")]
    [InlineData("AcceptMaxDelay", "5ms", "AcceptMaxDelay (5ms, from GreenTransport:AcceptMaxDelay) must be at least AcceptMinDelay (10ms): the pause grows from one to the other.")]
    [InlineData("AcceptMaxDelay", "soon", "AcceptMaxDelay ('soon', from GreenTransport:AcceptMaxDelay) must be a duration such as 30s, 250ms or 00:00:30.")]
    [InlineData("MaxReadBufferSize", "1KB", "MaxReadBufferSize (1024, from GreenTransport:MaxReadBufferSize) must be at least 4096, one block of memory, or unlimited (null in code).")]
    [InlineData("UnixFileMode", "rw-rw----", "UnixFileMode ('rw-rw----', from GreenTransport:UnixFileMode) must be access rights in octal such as 0660.")]
    [InlineData("UnixFileMode", "1777", "UnixFileMode (01777, from GreenTransport:UnixFileMode) must be from 0000 to 0777, such as 0660 for owner and group.")]
    [InlineData("Backend", "7", "Backend ('7', from GreenTransport:Backend) must be one of Auto, Sockets, Epoll.")]
    [InlineData("DeferAccept", "0", "DeferAccept (0s, from GreenTransport:DeferAccept) must be from 1s to 1h: the kernel counts it in seconds; leave it out to accept each connection at once.")]
    [InlineData("KeepAlive", "10ms", "KeepAlive (10ms, from GreenTransport:KeepAlive) must be from 1s to 1d: Kestrel checks its connections once a second; leave it out for Kestrel's own limit.")]
    [InlineData("ProxyProtocol", "v3", "ProxyProtocol ('v3', from GreenTransport:ProxyProtocol) must be one of Off, V1, V2, Any.")]
    [InlineData("ProxyProtocolTrusted", "10.0.0.0/33", "ProxyProtocolTrusted ('10.0.0.0/33', from GreenTransport:ProxyProtocolTrusted) must be addresses or networks such as 192.0.2.7 or 10.0.0.0/8, separated by commas.")]
    [InlineData("GracefulTimeout", "2d", "GracefulTimeout (2d, from GreenTransport:GracefulTimeout) must be from 0s to 1d: it is how long requests in flight may take to finish at a stop.")]
    public void A_wrong_setting_is_named_with_its_value_its_source_and_what_is_right(string setting, string value, string message)
    {
        var error = Assert.Throws<OptionsValidationException>(() => Resolve(static _ => { }, new() { [setting] = value }, []));
        Assert.Equal(message, Assert.Single(error.Failures));
    }

    [Fact]
    public void The_described_defaults_are_those_of_the_options()
    {
        var options = new GreenTransportOptions();
        var described = TransportSettings.All.Where(static setting => setting.Read(new GreenTransportOptions()).Count > 0 && !setting.Default.Contains(": ")).ToList();
        Assert.Equal(20, described.Count);
        Assert.All(described, setting =>
        {
            var read = setting.Read(options);
            Assert.Null(setting.Take(options, setting.Default));
            Assert.Equal(read, setting.Read(options));
        });
    }

    [Fact]
    public void Access_rights_of_no_digits_are_refused() => Assert.Equal(
        "must be access rights in octal such as 0660", TransportSettings.All.Single(static setting => setting.Name == nameof(GreenTransportOptions.UnixFileMode)).Take(new GreenTransportOptions(), ""));

    [Fact]
    public void A_wrong_setting_in_code_or_environment_says_so_too()
    {
        var error = Assert.Throws<OptionsValidationException>(() => Resolve(code => code.Backlog = -1, [], new() { ["GREEN_WORKER_CONNECTIONS"] = "-5" }));
        Assert.Equal(
            ["WorkerConnections (-5, from GREEN_WORKER_CONNECTIONS)", "Backlog (-1)"], error.Failures.Select(failure => failure[..(failure.IndexOf(')', StringComparison.Ordinal) + 1)]));
    }

    [Fact]
    public async Task Wrong_settings_stop_the_host_at_its_start()
    {
        var app = TestApp.Create(options => options.WorkerConnections = 0);
        await Assert.ThrowsAsync<OptionsValidationException>(() => app.App.StartAsync());
        await app.App.DisposeAsync();
    }

    [Fact]
    public async Task A_worker_with_wrong_settings_tells_its_supervisor()
    {
        using var supervisor = new TestLifeline();
        var app = TestApp.Create(options => options.Backlog = 0, build: builder => builder.Services.AddSingleton(supervisor.Open()));
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => app.App.StartAsync());
        Assert.Equal($"2 {error.Message}", supervisor.Failures()[0]);
        await app.App.DisposeAsync();
    }

    private static GreenTransportOptions Resolve(
        Action<GreenTransportOptions> code, Dictionary<string, string> section, Dictionary<string, string> environment)
    {
        var app = TestApp.Create(
            code,
            build: builder => builder.Configuration.AddInMemoryCollection(section.Select(pair => KeyValuePair.Create($"GreenTransport:{pair.Key}", (string?)pair.Value))),
            environment: environment);
        using (app.App as IDisposable)
        {
            return app.App.Services.GetRequiredService<IOptions<GreenTransportOptions>>().Value;
        }
    }
}
