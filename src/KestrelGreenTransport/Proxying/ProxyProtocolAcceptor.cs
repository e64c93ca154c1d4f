using System.Net;
using System.Threading.Channels;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Proxying;

/// <summary>
/// Stands between a backend's acceptor and Kestrel, and hands out connections once their PROXY header is read: neither
/// Kestrel nor TLS sees a byte of it.
///
/// A slow, missing or wrong header affects only its own connection, which holds its slot while it waits, and is reset after
/// <see cref="HeaderLimit"/>. Headers are accepted only from trusted sources: any other client is reset, because it has bypassed
/// the proxy and could claim any address.
/// AcceptAsync never throws, and returns null only when cancelled, or after unbind once every connection is handed out.
/// </summary>
internal sealed class ProxyProtocolAcceptor(IAcceptor inner, GreenTransportOptions options, ProxyProtocolReporter reporter, TimeProvider time) : IAcceptor
{
    /// <summary>How long a header may take. A proxy sends it with the first packet.</summary>
    public static readonly TimeSpan HeaderLimit = TimeSpan.FromSeconds(5);

    /// <summary>How much longer it may take once the listener is unbound.</summary>
    private static readonly TimeSpan HeaderLimitAtUnbind = TimeSpan.FromSeconds(1);

    private readonly Channel<ConnectionContext> _ready = Channel.CreateUnbounded<ConnectionContext>(
        new UnboundedChannelOptions { AllowSynchronousContinuations = true });

    private readonly IPNetwork[] _trusted = [.. options.ProxyProtocolTrusted];
    private readonly Lock _lock = new();
    private readonly HashSet<HeaderRead> _reading = [];
    private bool _isUnbound;
    private int _isPumping;

    // Connections whose header is being read, plus one while more may come.
    private int _underWay = 1;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _isPumping, 1) == 0)
        {
            // Ends with the inner acceptor; its end shows in the channel, which is completed.
            _ = PumpAsync();
        }

        try
        {
            while (await _ready.Reader.WaitToReadAsync(cancellationToken))
            {
                if (_ready.Reader.TryRead(out var connection))
                {
                    return connection;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The caller gave up waiting.
        }

        return null;
    }

    public async ValueTask UnbindAsync()
    {
        await inner.UnbindAsync();
        lock (_lock)
        {
            _isUnbound = true;
            foreach (var read in _reading)
            {
                read.Hasten(HeaderLimitAtUnbind);
            }
        }

        if (Interlocked.Exchange(ref _isPumping, 1) == 0)
        {
            // AcceptAsync was never called, so the pump never ran.
            EndOne();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        await inner.DisposeAsync();
    }

    private async Task PumpAsync()
    {
        while (await inner.AcceptAsync(CancellationToken.None) is { } connection)
        {
            Interlocked.Increment(ref _underWay);
            _ = ReadHeaderAsync(connection);
        }

        EndOne();
    }

    // Never throws: it is not awaited, only counted in _underWay.
    private async Task ReadHeaderAsync(ConnectionContext connection)
    {
        try
        {
            if (await TryReadHeaderAsync(connection))
            {
                _ready.Writer.TryWrite(connection);
                connection = null!;
            }
        }
        catch (Exception)
        {
            // The client reset its connection.
        }

        if (connection is not null)
        {
            try
            {
                await connection.DisposeAsync();
            }
            catch (Exception)
            {
                // As above.
            }
        }

        EndOne();
    }

    /// <summary>False: the connection must be closed.</summary>
    private async ValueTask<bool> TryReadHeaderAsync(ConnectionContext connection)
    {
        var (remote, local) = (connection.RemoteEndPoint, connection.LocalEndPoint);
        if (!IsTrusted(remote))
        {
            return Refuse(connection, "untrusted", "it is not a trusted proxy: if it should be, add it to ProxyProtocolTrusted");
        }

        using var read = new HeaderRead(connection.Transport.Input, HeaderLimit, time);
        Enter(read);
        HeaderOutcome outcome;
        ProxyHeader header;
        string problem;
        try
        {
            (outcome, header, problem) = await read.RunAsync(options.ProxyProtocol);
        }
        finally
        {
            Leave(read);
        }

        switch (outcome)
        {
            case HeaderOutcome.Left:
                return false;
            case HeaderOutcome.TimedOut:
                return Refuse(connection, "timeout", "its PROXY header did not arrive in time: does the proxy send one, and as its first bytes?");
            case HeaderOutcome.Malformed:
                return Refuse(connection, "malformed", $"its PROXY header is malformed: {problem}. Is the proxy set to send the version that ProxyProtocol expects ({options.ProxyProtocol})?");
        }

        connection.RemoteEndPoint = header.Source ?? remote;
        connection.LocalEndPoint = header.Destination ?? local;
        connection.Features.Set<IProxyProtocolFeature>(new ProxiedConnection(header, remote, local));
        return true;
    }

    private bool Refuse(ConnectionContext connection, string kind, string problem)
    {
        reporter.Refused(kind, connection.RemoteEndPoint, problem);
        connection.Abort(new ConnectionAbortedException($"PROXY protocol: {problem}"));
        return false;
    }

    // On a Unix socket the file's mode decides who may connect.
    private bool IsTrusted(EndPoint? remote)
    {
        if (remote is not IPEndPoint { Address: var address })
        {
            return remote is not null;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        foreach (var network in _trusted)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    private void Enter(HeaderRead read)
    {
        lock (_lock)
        {
            _reading.Add(read);
            if (_isUnbound)
            {
                read.Hasten(HeaderLimitAtUnbind);
            }
        }
    }

    private void Leave(HeaderRead read)
    {
        lock (_lock)
        {
            _reading.Remove(read);
        }
    }

    private void EndOne()
    {
        if (Interlocked.Decrement(ref _underWay) == 0)
        {
            _ready.Writer.TryComplete();
        }
    }
}
