using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.WarmUp;

/// <summary>
/// A listening socket that only this process connects to. It accepts as every other listener does, so that this code is warm
/// before the first client comes. It has its own slots, and its gate is open.
///
/// Its name is random, but other processes may see it: a client must send a secret first.
/// </summary>
internal sealed class WarmUpConnector : IAsyncDisposable
{
    private const int SecretLength = 32;
    private const int Slots = 16;

    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(SecretLength);
    private readonly ListenSocket _socket;
    private readonly ConnectionPool _pool;
    private readonly IAcceptor _acceptor;

    // Never disposed, because a connection may end after the listener.
    private readonly SemaphoreSlim _ended = new(0);

    /// <exception cref="SocketException">The socket cannot be created.</exception>
    public WarmUpConnector(ITransportBackend backend, GreenTransportOptions options, TransportMeter meter, ILogger logger)
    {
        var endPoint = new UnixDomainSocketEndPoint($"\0green-warm-up-{Guid.NewGuid():N}");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(endPoint);
            socket.Listen();
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        _socket = new ListenSocket(socket, ListenEndpoint.Of(endPoint), isShared: false);
        _pool = new ConnectionPool(_socket.Name, Slots);
        _pool.Ended += () => _ended.Release();
        _acceptor = backend.Listen(new ListenerContext(
            _socket, _pool, new AcceptGate(isOpen: true), new NoSiblings(), new AcceptReporter(_socket.Name, meter, logger), options));
    }

    /// <summary>Connects to it.</summary>
    /// <returns>Both ends. The client's belongs to the caller, the server's to the endpoint that it is passed to.</returns>
    /// <exception cref="OperationCanceledException">The attempt was cancelled.</exception>
    public async Task<(Socket Client, ConnectionContext Server)> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        ConnectionContext? accepted = null;
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            socket.Connect(_socket.EndPoint);
            socket.Send(_secret);
            accepted = await AcceptAsync(cancellationToken);
            while (!await SendsSecretAsync(accepted, cancellationToken))
            {
                accepted.Abort(new ConnectionAbortedException("The peer is not this process."));
                await accepted.DisposeAsync();
                accepted = null;
                accepted = await AcceptAsync(cancellationToken);
            }

            // The app may look at addresses, and gets these.
            accepted.ConnectionId = "warm-up";
            accepted.LocalEndPoint = accepted.RemoteEndPoint = new IPEndPoint(IPAddress.Loopback, 0);
            if (accepted.Features.Get<ConnectionActivity>() is { } activity)
            {
                activity.IsWarmUp = true;
            }

            return (socket, accepted);
        }
        catch
        {
            socket.Dispose();
            if (accepted is not null)
            {
                await accepted.DisposeAsync();
            }

            throw;
        }
    }

    /// <summary>Waits until every connection has ended, but no longer than the limit.</summary>
    public async Task EndedAsync(TimeSpan limit)
    {
        using var late = new CancellationTokenSource(limit);
        while (_pool.Held > 0 && !late.IsCancellationRequested)
        {
            await _ended.WaitAsync(late.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // A connection accepted after its caller stopped waiting would live as long as the process.
        await _acceptor.UnbindAsync();
        while (await _acceptor.AcceptAsync(CancellationToken.None) is { } left)
        {
            await left.DisposeAsync();
        }

        await _acceptor.DisposeAsync();
        _socket.Dispose();
    }

    private async Task<ConnectionContext> AcceptAsync(CancellationToken cancellationToken) =>
        await _acceptor.AcceptAsync(cancellationToken) ?? throw new OperationCanceledException(cancellationToken);

    private async Task<bool> SendsSecretAsync(ConnectionContext connection, CancellationToken cancellationToken)
    {
        var input = connection.Transport.Input;
        var read = await input.ReadAtLeastAsync(SecretLength, cancellationToken);
        var isRight = read.Buffer.Length >= SecretLength && Matches(read.Buffer.Slice(0, SecretLength));
        input.AdvanceTo(isRight ? read.Buffer.GetPosition(SecretLength) : read.Buffer.End);
        return isRight;
    }

    private bool Matches(ReadOnlySequence<byte> said)
    {
        Span<byte> copy = stackalloc byte[SecretLength];
        said.CopyTo(copy);
        return CryptographicOperations.FixedTimeEquals(copy, _secret);
    }
}
