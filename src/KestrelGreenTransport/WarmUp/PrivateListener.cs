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
/// A listening socket of this process for itself, accepted on as any other is: by it the way that clients come is warm before
/// the first one does. It has a slot of its own, and its gate is open.
///
/// Its name is random, but other processes may see it: who connects says a secret first.
/// </summary>
internal sealed class PrivateListener : IAsyncDisposable
{
    private const int SecretLength = 32;

    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(SecretLength);
    private readonly ListenSocket _socket;
    private readonly ConnectionPool _pool;
    private readonly IAcceptor _acceptor;
    private readonly SemaphoreSlim _ended = new(0);

    /// <exception cref="SocketException">The socket cannot be made.</exception>
    public PrivateListener(ITransportBackend backend, GreenTransportOptions options, TransportMeter meter, ILogger logger)
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
        _pool = new ConnectionPool(_socket.Name, 1);
        _pool.Ended += () => _ended.Release();
        _acceptor = backend.Listen(new ListenerContext(
            _socket, _pool, new AcceptGate(isOpen: true), new NoSiblings(), new AcceptReporter(_socket.Name, meter, logger), options));
    }

    /// <summary>Connects to it.</summary>
    /// <returns>Both ends. The client's belongs to the caller, the server's to whom it is given.</returns>
    public async Task<(NetworkStream Client, ConnectionContext Server)> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(_socket.EndPoint);
            await socket.SendAsync(_secret);
            var accepted = await AcceptAsync();
            while (!await SaysSecretAsync(accepted))
            {
                accepted.Abort(new ConnectionAbortedException("It is not this process."));
                await EndedAsync(accepted);
                accepted = await AcceptAsync();
            }

            // What the app is shown: it may look at addresses.
            accepted.ConnectionId = "warm-up";
            accepted.LocalEndPoint = accepted.RemoteEndPoint = new IPEndPoint(IPAddress.Loopback, 0);
            return (new NetworkStream(socket, ownsSocket: true), accepted);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Ends a connection that nobody was given.</summary>
    public async Task EndedAsync(ConnectionContext connection)
    {
        await connection.DisposeAsync();
        await EndedAsync();
    }

    /// <summary>Completes when a connection has ended that somebody was given.</summary>
    public Task EndedAsync() => _ended.WaitAsync();

    public async ValueTask DisposeAsync()
    {
        await _acceptor.DisposeAsync();
        _socket.Dispose();
        _ended.Dispose();
    }

    // Null comes only after unbind, which is for the end.
    private async Task<ConnectionContext> AcceptAsync() => (await _acceptor.AcceptAsync(CancellationToken.None))!;

    private async Task<bool> SaysSecretAsync(ConnectionContext connection)
    {
        var input = connection.Transport.Input;
        var read = await input.ReadAtLeastAsync(SecretLength);
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
