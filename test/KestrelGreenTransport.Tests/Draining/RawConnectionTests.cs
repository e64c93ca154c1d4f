using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Draining;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;

namespace KestrelGreenTransport.Tests.Draining;

/// <summary>Exceptions from a connection's features while it ends do not stop the drain of the others.</summary>
public sealed class RawConnectionTests
{
    [Fact]
    public async Task A_TLS_connection_whose_stream_is_disposed_is_not_told()
    {
        var stream = new SslStream(new MemoryStream());
        await using var connection = new Raw(stream);
        Assert.False(RawConnection.Is(connection, TimeSpan.FromMinutes(1)));

        await stream.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => connection.Protocol);
        Assert.False(RawConnection.Is(connection, TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task A_callback_that_throws_is_logged_and_the_handler_counts_as_told()
    {
        var logger = new ListLogger();
        await using var connection = new Raw(tls: null);
        Assert.True(RawConnection.Is(connection, TimeSpan.FromMinutes(1)));

        Assert.True(RawConnection.TryTell(connection, logger));
        Assert.Single(logger.Ids, 55);
    }

    private sealed class Raw : ConnectionContext, IServedConnection, ITlsHandshakeFeature, IConnectionLifetimeNotificationFeature
    {
        private readonly SslStream? _tls;

        public Raw(SslStream? tls)
        {
            _tls = tls;
            Activity = new ConnectionActivity(this, TimeProvider.System, NullLogger.Instance);
            Features.Set<IConnectionLifetimeNotificationFeature>(this);
            if (tls is not null)
            {
                Features.Set<ITlsHandshakeFeature>(this);
            }
        }

        public override string ConnectionId { get; set; } = "test";

        public override IFeatureCollection Features { get; } = new FeatureCollection();

        public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

        public override IDuplexPipe Transport { get; set; } = null!;

        public ConnectionActivity Activity { get; }

        public ConnectionPool Pool => throw new NotSupportedException();

        public bool HasUnconsumed => false;

        public bool HasUnsent => false;

        public bool HasLeft => false;

        public SslProtocols Protocol => _tls!.SslProtocol;

        public CancellationToken ConnectionClosedRequested { get; set; }

        // Obsolete members of the interface, which nothing here uses.
#pragma warning disable SYSLIB0058
        public CipherAlgorithmType CipherAlgorithm => default;

        public int CipherStrength => 0;

        public HashAlgorithmType HashAlgorithm => default;

        public int HashStrength => 0;

        public ExchangeAlgorithmType KeyExchangeAlgorithm => default;

        public int KeyExchangeStrength => 0;
#pragma warning restore SYSLIB0058

        public void RequestClose() => throw new InvalidOperationException("for the test");

        public bool TryEndIdle(long quietSince) => false;

        public void EndReading()
        {
        }

        public void CutOff()
        {
        }
    }
}
