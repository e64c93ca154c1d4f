using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FunctionalTests.Harness;
using LoadGenerator;

namespace FunctionalTests.Measuring;

/// <summary>The load generator is correct: it counts each loss once and as the right kind, with a server that loses requests on purpose.</summary>
public sealed class LoadGeneratorTests
{
    private const string Answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_way_of_losing_is_counted_once_and_nothing_is_tried_again(bool overTls)
    {
        // What happens to the first, second, … request, across all connections.
        using var certificate = overTls ? SelfSigned() : null;
        await using var server = new LosingServer(
            certificate, Loses.Nothing, Loses.ByReset, Loses.Nothing, Loses.ByEnd, Loses.ByHalfAnAnswer, Loses.Nothing, Loses.ByStatus, Loses.ByDeafness, Loses.Nothing);
        var load = Load.Start(new LoadPlan { EndPoint = server.EndPoint, Clients = 1, Timeout = TimeSpan.FromSeconds(2), Tls = overTls ? static (_, certificate, _, _) => certificate is not null : null });
        await Eventually.True("all nine were asked", () => load.Report.Begun > 9, load.Report.ToString);
        await load.StopAsync();

        var report = load.Report;
        Assert.Equal((1, 2, 1, 1, 0), (report[Outcome.Reset], report[Outcome.Ended], report[Outcome.TimedOut], report[Outcome.Wrong], report[Outcome.Refused]));
        Assert.Equal(report.Begun, report.Answered + 5);
        Assert.Equal(report.Begun, server.Requests);
        Assert.Equal(5, report.Losses.Count);

        // One new connection for each loss: no answered request cost one.
        Assert.Equal(1 + 5, report.Connections);
    }

    [Fact]
    public async Task A_server_that_closes_after_an_answer_costs_a_connection_and_no_request()
    {
        await using var server = new LosingServer(null, Loses.ByAnnouncedClose, Loses.Nothing, Loses.ByAnnouncedClose, Loses.Nothing);
        var load = Load.Start(new LoadPlan { EndPoint = server.EndPoint, Clients = 1 });
        await Eventually.True("all four were asked", () => load.Report.Begun > 4, load.Report.ToString);
        await load.StopAsync();
        Assert.Equal((0, 3), (load.Report.Lost, load.Report.Connections));
        Assert.Equal(load.Report.Begun, server.Requests);
    }

    [Fact]
    public async Task An_answer_to_another_request_is_wrong()
    {
        await using var server = new LosingServer(null, Loses.Nothing);
        var load = Load.Start(new LoadPlan { EndPoint = server.EndPoint, Clients = 1, Body = 10 });
        await Eventually.True("it was asked", () => load.Report.Begun > 3, load.Report.ToString);
        await load.StopAsync();

        // The server answers "ok" to everything.
        Assert.Equal((0, load.Report.Begun), (load.Report.Answered, load.Report[Outcome.Wrong]));
    }

    [Fact]
    public async Task Where_nobody_listens_every_request_is_refused()
    {
        using var port = new FreePort();
        var load = Load.Start(new LoadPlan { EndPoint = new IPEndPoint(IPAddress.Loopback, port.Release()), Clients = 2 });
        await Eventually.True("it was asked", () => load.Report.Begun > 10, load.Report.ToString);
        await load.StopAsync();
        Assert.Equal(load.Report.Begun, load.Report[Outcome.Refused]);
        Assert.Equal(0, load.Report.Connections);
    }

    [Fact]
    public async Task Clients_that_ask_so_often_end_by_themselves_and_a_percentile_is_exact_to_a_twentieth()
    {
        await using var server = new LosingServer(null);
        var load = Load.Start(new LoadPlan { EndPoint = server.EndPoint, Clients = 3, RequestsOfEach = 4, KeepAlive = false, Ramp = TimeSpan.FromMilliseconds(30) });
        await load.Clients.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken);
        Assert.Equal((12, 12, 12), (load.Report.Begun, load.Report.Answered, server.Requests));
        Assert.InRange(load.Report.Percentile(100), load.Report.Slowest, load.Report.Slowest * 1.05);

        var durations = new LatencyHistogram();
        for (var milliseconds = 1; milliseconds <= 1000; milliseconds++)
        {
            durations.Add(TimeSpan.FromMilliseconds(milliseconds));
        }

        Assert.InRange(durations.Percentile(50).TotalMilliseconds, 500, 525);
        Assert.InRange(durations.Percentile(99).TotalMilliseconds, 990, 1040);
        Assert.Equal(TimeSpan.Zero, new LatencyHistogram().Percentile(99));
    }

    /// <summary>The close comes between two requests: a client checks a connection before it reuses it, over TLS too.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_that_closes_a_resting_connection_costs_no_request(bool overTls)
    {
        using var certificate = overTls ? SelfSigned() : null;
        await using var server = new LosingServer(certificate, Loses.ByCloseAfterwards, Loses.ByCloseAfterwards);
        var load = Load.Start(new LoadPlan
        {
            EndPoint = server.EndPoint,
            Clients = 1,
            Pause = TimeSpan.FromSeconds(0.5),
            RequestsOfEach = 3,
            Tls = overTls ? static (_, certificate, _, _) => certificate is not null : null,
        });
        await load.Clients.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken);
        Assert.Equal((3, 3, 3), (load.Report.Answered, load.Report.Connections, server.Requests));
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }

    private enum Loses
    {
        Nothing,
        ByReset,
        ByEnd,
        ByHalfAnAnswer,
        ByStatus,
        ByDeafness,
        ByAnnouncedClose,
        ByCloseAfterwards,
    }

    /// <summary>Serves one connection at a time, as its script says; after the script it answers everything.</summary>
    private sealed class LosingServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly X509Certificate2? _certificate;
        private readonly Loses[] _script;
        private readonly Task _serving;
        private readonly CancellationTokenSource _stopped = new();
        private int _requests;

        public LosingServer(X509Certificate2? certificate, params Loses[] script)
        {
            (_certificate, _script) = (certificate, script);
            _listener.Start();
            _serving = ServeAsync();
        }

        public EndPoint EndPoint => _listener.LocalEndpoint;

        public long Requests => Volatile.Read(ref _requests);

        public async ValueTask DisposeAsync()
        {
            await _stopped.CancelAsync();
            await _serving;
            _listener.Dispose();
            _stopped.Dispose();
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptSocketAsync(_stopped.Token);
                    await using var stream = await OpenAsync(client);
                    while (await ReceiveRequestAsync(stream) && await AnswerAsync(client, stream))
                    {
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // The test is over.
            }
        }

        private async Task<Stream> OpenAsync(Socket client)
        {
            // The socket closes as its option says, perhaps with a reset; a stream that owned it would first close it gracefully.
            var plain = new NetworkStream(client, ownsSocket: false);
            if (_certificate is null)
            {
                return plain;
            }

            var tls = new SslStream(plain);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stopped.Token);
            return tls;
        }

        private async Task<bool> ReceiveRequestAsync(Stream stream)
        {
            var buffer = new byte[1000];
            var got = "";
            do
            {
                var received = await stream.ReadAsync(buffer, _stopped.Token);
                if (received == 0)
                {
                    return false;
                }

                got += Encoding.ASCII.GetString(buffer, 0, received);
            }
            while (!got.EndsWith("\r\n\r\n", StringComparison.Ordinal) && !got.EndsWith('.'));
            return true;
        }

        private async Task<bool> AnswerAsync(Socket client, Stream stream)
        {
            var number = _requests++;
            switch (number < _script.Length ? _script[number] : Loses.Nothing)
            {
                case Loses.ByReset:
                    client.LingerState = new LingerOption(true, 0);
                    return false;
                case Loses.ByEnd:
                    return false;
                case Loses.ByHalfAnAnswer:
                    await SendAsync(stream, Answer[..^1]);
                    return false;
                case Loses.ByStatus:
                    await SendAsync(stream, Answer.Replace("200", "503", StringComparison.Ordinal));
                    return true;
                case Loses.ByDeafness:
                    // Until the client gives up.
                    await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, _stopped.Token);
                    return false;
                case Loses.ByAnnouncedClose:
                    await SendAsync(stream, Answer.Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", StringComparison.Ordinal));
                    return false;
                case Loses.ByCloseAfterwards:
                    await SendAsync(stream, Answer);
                    await ((stream as SslStream)?.ShutdownAsync() ?? Task.CompletedTask);
                    return false;
                default:
                    await SendAsync(stream, Answer);
                    return true;
            }
        }

        private async Task SendAsync(Stream stream, string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes(text), _stopped.Token);
    }
}
