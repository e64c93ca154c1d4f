using System.Net.Sockets;
using BenchmarkDotNet.Attributes;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Benchmarks.Micro;

/// <summary>The cost of tracking a request in the worker, with the features of a request that Kestrel really has in flight.</summary>
public class RequestBenchmarks : IAsyncDisposable
{
    private readonly RequestFigures _figures = new(TimeProvider.System, keepsRequests: true);
    private readonly TaskCompletionSource _answer = new();
    private WebApplication _app = null!;
    private TcpClient _client = null!;
    private IFeatureCollection _features = null!;
    private IHttpRequestFeature _request = null!;

    [GlobalSetup]
    public async Task Ask()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseGreenTransport().UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        var context = new TaskCompletionSource<HttpContext>();
        _app.Run(asked =>
        {
            context.SetResult(asked);
            return _answer.Task;
        });
        await _app.StartAsync();
        _client = new TcpClient("127.0.0.1", new Uri(_app.Urls.Single()).Port);
        await _client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
        _features = (await context.Task).Features;
        _request = _features.Get<IHttpRequestFeature>()!;
    }

    [GlobalCleanup]
    public async ValueTask DisposeAsync()
    {
        _answer.SetResult();
        _client.Dispose();
        await _app.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Description = "count a request in and out")]
    public void CountInAndOut() => _figures.End(_figures.Begin(_request));

    [Benchmark(Description = "look up what the tracker needs")]
    public object? LookUp() => _features.Get<IHttpRequestFeature>() is null ? null : _features.Get<ConnectionActivity>();

    [Benchmark(Description = "look up whether it asks for an upgrade")]
    public bool LookUpUpgrade() =>
        _features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } || _features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };

    [Benchmark(Description = "ask the request itself")]
    public bool AskTheRequest() =>
        _request is IHttpUpgradeFeature { IsUpgradableRequest: true } or IHttpExtendedConnectFeature { IsExtendedConnect: true };
}
