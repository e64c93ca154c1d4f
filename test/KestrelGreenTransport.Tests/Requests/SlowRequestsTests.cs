using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Supervision;
using KestrelGreenTransport.Tests.Supervision;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Requests;

public sealed class SlowRequestsTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly RequestFigures _figures;
    private readonly TestLifeline _supervisor = new();
    private readonly List<HttpRequestFeature> _kept = [];
    private readonly SlowRequests _slow;

    public SlowRequestsTests()
    {
        _figures = new RequestFigures(_time, keepsRequests: true);
        _slow = new SlowRequests(_figures, Limit, new Lifeline(_supervisor.Adopt(), new ListLogger()), new ListLogger());
    }

    public void Dispose() => _supervisor.Dispose();

    [Fact]
    public void A_request_that_grows_too_old_is_named_once()
    {
        var slot = Begin("GET", "/report");
        After(30);
        Assert.Equal(("GET", "/report", 30_000L), Said());
        After(30);
        Assert.Null(_supervisor.TryReceive());

        // The next request, which may get the same slot, is a different one.
        _figures.End(slot);
        Begin("POST", "/orders");
        After(29);
        Assert.Null(_supervisor.TryReceive());
        After(2);
        Assert.Equal(("POST", "/orders", 31_000L), Said());
    }

    [Fact]
    public void A_flood_is_reported_a_few_at_a_time_and_none_is_forgotten()
    {
        for (var i = 0; i < 40; i++)
        {
            Begin("GET", $"/{i}");
        }

        var named = new HashSet<string>();
        for (var look = 0; look < 3; look++)
        {
            After(30);
            while (_supervisor.TryReceive() is { } message)
            {
                Assert.True(named.Add(message.Path!));
            }

            Assert.Equal(Math.Min(40, (look + 1) * 16), named.Count);
        }
    }

    [Fact]
    public void Without_a_lifeline_the_worker_says_it_itself()
    {
        var log = new ListLogger();
        Begin("GET", "/report");
        _time.Advance(Limit);
        new SlowRequests(_figures, Limit, null, log).ReportOverdue(_time.Nanoseconds());
        Assert.Contains("GET /report has been in flight for 30000 ms", Assert.Single(log.Texts), StringComparison.Ordinal);
    }

    [Fact]
    public void What_asks_to_become_a_web_socket_is_not_judged()
    {
        var handled = new TaskCompletionSource();
        var tracker = new RequestTracker(_ => handled.Task, new Drain(new AcceptGate(), Options.Create(new GreenTransportOptions())), _figures);
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpUpgradeFeature>(new Upgradable());
        _ = tracker.InvokeAsync(context);
        _ = tracker.InvokeAsync(new DefaultHttpContext { Request = { Method = "GET", Path = "/slow" } });
        After(30);
        Assert.Equal("/slow", Said().Path);
        Assert.Null(_supervisor.TryReceive());
        Assert.Equal(2, _figures.InFlight);
        handled.SetResult();
    }

    [Theory]
    [InlineData("1.1", HttpProtocols.Http1)]
    [InlineData("2.0", HttpProtocols.Http2)]
    public async Task Kestrels_own_request_says_what_it_asks_for_and_no_other_feature_is_looked_up(string version, HttpProtocols protocols)
    {
        IHttpRequestFeature? seen = null;
        await using var app = await TestApp.StartAsync(
            kestrel: options => options.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = protocols),
            map: routes => routes.MapGet("/", (HttpContext context) =>
            {
                seen = context.Features.Get<IHttpRequestFeature>();
                return context.Request.Protocol;
            }));
        using var client = new HttpClient { BaseAddress = app.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact };

        using var response = await client.SendAsync(request);

        Assert.True(seen is IHttpUpgradeFeature { IsUpgradableRequest: false } and IHttpExtendedConnectFeature { IsExtendedConnect: false });
    }

    [Fact]
    public void A_request_whose_objects_are_gone_is_passed_over()
    {
        var broken = new Broken();
        _figures.Begin(broken);
        Begin("GET", "/report");
        After(30);
        Assert.Equal("/report", Said().Path);
        GC.KeepAlive(broken);
    }

    private int Begin(string method, string path)
    {
        // In a server the connection keeps it alive.
        _kept.Add(new HttpRequestFeature { Method = method, Path = path });
        return _figures.Begin(_kept[^1]);
    }

    private void After(double seconds)
    {
        _time.Advance(TimeSpan.FromSeconds(seconds));
        _slow.ReportOverdue(_time.Nanoseconds());
    }

    private (string? Method, string? Path, long? Age) Said()
    {
        var message = _supervisor.TryReceive();
        Assert.Equal(LifelineTypes.SlowRequest, message?.Type);
        return (message!.Method, message.Path, message.AgeMs);
    }

    private sealed class Upgradable : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        public Task<Stream> UpgradeAsync() => throw new NotSupportedException();
    }

    private sealed class Broken : IHttpRequestFeature
    {
        public string Protocol { get; set; } = "";

        public string Scheme { get; set; } = "";

        public string Method
        {
            get => throw new ObjectDisposedException(nameof(Broken));
            set => _ = value;
        }

        public string PathBase { get; set; } = "";

        public string Path { get; set; } = "";

        public string QueryString { get; set; } = "";

        public string RawTarget { get; set; } = "";

        public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();

        public Stream Body { get; set; } = Stream.Null;
    }
}
