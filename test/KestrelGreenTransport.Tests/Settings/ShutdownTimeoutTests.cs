using KestrelGreenTransport.Contract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Tests.Settings;

/// <summary>The host's ShutdownTimeout and our GracefulTimeout: what the app set is applied, or overruled with a log message.</summary>
public class ShutdownTimeoutTests
{
    // In seconds; null means not set, and -0.001 is the host's value for "for ever".
    [Theory]
    [InlineData(null, null, 30.0, 35.0, 0)]
    [InlineData(null, 3.0, 3.0, 3.0, 0)]
    [InlineData(null, 0.0, 0.0, 0.0, 0)]
    [InlineData(null, 300.0, 300.0, 300.0, 0)]
    [InlineData(null, -0.001, 86400.0, -0.001, 0)]
    [InlineData(120.0, null, 120.0, 125.0, 0)]
    [InlineData(5.0, null, 5.0, 30.0, 0)]
    [InlineData(20.0, 3.0, 20.0, 25.0, 1)]
    [InlineData(3.0, 20.0, 3.0, 20.0, 0)]
    [InlineData(3.0, 4.0, 3.0, 4.0, 0)]
    [InlineData(0.0, 60.0, 0.0, 60.0, 0)]
    [InlineData(30.0, 3.0, 30.0, 35.0, 1)]
    [InlineData(20.0, -0.001, 20.0, -0.001, 0)]
    public async Task Whichever_was_set_is_followed_and_two_that_disagree_are_told(double? graceful, double? host, double gracefully, double hosts, int warnings)
    {
        var (ours, theirs, lines) = await Resolve(
            options =>
            {
                if (graceful is { } seconds)
                {
                    options.GracefulTimeout = TimeSpan.FromSeconds(seconds);
                }
            },
            host);
        Assert.Equal((TimeSpan.FromSeconds(gracefully), TimeSpan.FromSeconds(hosts)), (ours, theirs));
        Assert.Equal(warnings, lines.Count(104));
    }

    [Fact]
    public async Task The_warning_names_both_values_and_where_ours_came_from()
    {
        var (_, _, lines) = await Resolve(static _ => { }, 3, new() { ["GREEN_GRACEFUL_TIMEOUT"] = "20s" });
        Assert.StartsWith(
            "HostOptions.ShutdownTimeout (3s) is shorter than GracefulTimeout (20s, from GREEN_GRACEFUL_TIMEOUT): raising it to 25s.",
            Assert.Single(lines.All, static line => line.Id == 104).Text,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("30s", 3.0, 3.0)]
    [InlineData("30s", null, 30.0)]
    [InlineData("40s", 3.0, 40.0)]
    public async Task In_a_worker_the_supervisors_default_is_no_choice(string handedOn, double? host, double gracefully)
    {
        var contract = new WorkerContract { Index = 1, Generation = 1, Listeners = [] };
        var (ours, _, lines) = await Resolve(static _ => { }, host, new() { ["GREEN_GRACEFUL_TIMEOUT"] = handedOn }, contract);
        Assert.Equal(TimeSpan.FromSeconds(gracefully), ours);
        Assert.Equal(handedOn == "40s" ? 1 : 0, lines.Count(104));
    }

    private static async Task<(TimeSpan Ours, TimeSpan Hosts, LogLines Lines)> Resolve(
        Action<GreenTransportOptions> configure, double? host, Dictionary<string, string>? environment = null, WorkerContract? contract = null)
    {
        var lines = new LogLines();
        var app = TestApp.Create(
            configure,
            build: builder =>
            {
                builder.Logging.AddProvider(lines);
                if (contract is not null)
                {
                    builder.Services.AddSingleton(contract);
                }

                if (host is { } seconds)
                {
                    builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(seconds));
                }
            },
            environment: environment);
        await using (app.App)
        {
            // The host reads its options first.
            var hosts = app.App.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout;
            return (app.App.Services.GetRequiredService<IOptions<GreenTransportOptions>>().Value.GracefulTimeout, hosts, lines);
        }
    }
}
