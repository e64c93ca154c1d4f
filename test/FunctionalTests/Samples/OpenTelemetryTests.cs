using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Net;
using System.Text;
using FunctionalTests.Harness;
using Microsoft.Diagnostics.NETCore.Client;

namespace FunctionalTests.Samples;

/// <summary>What other programs see of our meters and traces: an OTLP collector, and EventPipe clients.</summary>
public sealed class OpenTelemetryTests(OpenTelemetryTests.OneWorker shared) : IClassFixture<OpenTelemetryTests.OneWorker>
{
    [Fact]
    public async Task The_sample_sends_the_metrics_and_traces_of_workers_and_supervisor()
    {
        using var collector = new Collector();
        await using var sample = GreenRun.StartApp(
            Repo.OpenTelemetrySample,
            ["-w", "1", "-b", "127.0.0.1:0"],
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"));
        await sample.Serving(1);
        Assert.Equal("Hello from worker 1\n", await (await sample.Target()).Get("/"));

        await collector.Received("/v1/metrics", $"{Environment.MachineName}-1", "green.transport.connections.accepted");
        await collector.Received("/v1/metrics", $"{Environment.MachineName}-1", "http.server.request.duration");
        await collector.Received("/v1/traces", $"{Environment.MachineName}-1", "Microsoft.AspNetCore");
        await collector.Received("/v1/metrics", $"{Environment.MachineName}-supervisor", "green.supervisor.workers");
        await collector.Received("/v1/traces", $"{Environment.MachineName}-supervisor", "green.worker.boot");
        await sample.StopCleanly();
    }

    /// <summary>What <c>dotnet-counters</c> does: the same session, and the values that arrive.</summary>
    [Theory]
    [InlineData("KestrelGreenTransport.Supervisor", "green.supervisor.workers.target")]
    [InlineData("KestrelGreenTransport", "green.transport.connections.accepted")]
    public async Task Meters_are_seen_from_outside_the_process(string meter, string instrument)
    {
        var green = await shared.Take();
        var status = await green.Status();
        await (await green.Target()).Get("/pid");

        var pid = meter == "KestrelGreenTransport" ? status.Workers[0].Pid!.Value : green.Process.Pid;
        var session = Guid.NewGuid().ToString();
        var arguments = new Dictionary<string, string>
        {
            ["SessionId"] = session,
            ["Metrics"] = meter,
            ["RefreshInterval"] = "0.2",
            ["MaxTimeSeries"] = "100",
            ["MaxHistograms"] = "10",
            ["ClientId"] = session,
        };
        using var pipe = await new DiagnosticsClient(pid).StartEventPipeSessionAsync(
            [new EventPipeProvider("System.Diagnostics.Metrics", EventLevel.Informational, 2, arguments)], requestRundown: false, 1, CancellationToken.None);
        // Ended by closing it: the runtime may never answer a request to stop while some of the stream is unread.
        await Reads(pipe.EventStream, $"{meter}\0", $"{instrument}\0");
        await shared.GiveBack();
    }

    /// <summary>A supervisor and a worker whose meters are looked at.</summary>
    public sealed class OneWorker() : SharedRun(workers: 1)
    {
        private protected override GreenRun Start() => GreenRun.Start(["-w", "1"]);
    }

    // The stream contains strings in .NET's own encoding.
    private static async Task Reads(Stream stream, params string[] texts)
    {
        using var limit = new CancellationTokenSource(Eventually.Limit);
        var wanted = texts.Select(Encoding.Unicode.GetBytes).ToList();
        var read = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (wanted.Any(text => read.GetBuffer().AsSpan(0, (int)read.Length).IndexOf(text) < 0))
        {
            var count = await stream.ReadAsync(buffer, limit.Token);
            Assert.NotEqual(0, count);
            read.Write(buffer, 0, count);
        }
    }

    /// <summary>Receives what OTLP exporters send over HTTP, and answers as a collector does.</summary>
    private sealed class Collector : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly ConcurrentQueue<(string Path, byte[] Body)> _received = new();
        private readonly Task _serving;

        public Collector()
        {
            Address = $"http://127.0.0.1:{new FreePort().Release()}";
            _listener.Prefixes.Add($"{Address}/");
            _listener.Start();
            _serving = Serve();
        }

        public string Address { get; }

        /// <summary>Waits for a message that contains these texts: protobuf does not encode them.</summary>
        public Task Received(string path, params string[] texts) => Eventually.True(
            $"{string.Join(" and ", texts)} at {path}",
            () => _received.Any(message => message.Path == path && texts.All(text => message.Body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0)));

        public void Dispose()
        {
            _listener.Close();
            _serving.Wait(Eventually.Limit);
        }

        private async Task Serve()
        {
            try
            {
                while (true)
                {
                    var context = await _listener.GetContextAsync();
                    using var body = new MemoryStream();
                    await context.Request.InputStream.CopyToAsync(body);
                    _received.Enqueue((context.Request.Url!.AbsolutePath, body.ToArray()));
                    context.Response.ContentType = "application/x-protobuf";
                    context.Response.Close();
                }
            }
            catch (Exception closed) when (closed is ObjectDisposedException or HttpListenerException)
            {
            }
        }
    }
}
