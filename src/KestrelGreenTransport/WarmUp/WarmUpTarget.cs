using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using KestrelGreenTransport.Contract;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.WarmUp;

/// <summary>One host of this process while it is being warmed. Belongs to the warm-up's thread and blocks it; nothing here continues on a loop's thread.</summary>
internal sealed class WarmUpTarget(WarmUpConnector connector, IReadOnlyList<InMemoryListener> listeners, Func<TimeSpan> left, CancellationToken stop) : IDisposable
{
    // Several, so that a loop finds more than one readable connection at once, as it does under load.
    private const int Connections = 4;

    // New connections warm the accept path too, and the TLS handshake where there is one. They cost more than a request.
    private const int RoundsPerNewConnection = 5;

    private const int FirstServerError = 500;

    private static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(1);

    private readonly WarmUpConnection?[] _connections = new WarmUpConnection?[Connections];
    private readonly List<byte[]> _requests = [];
    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(stop);
    private Task<(Socket Client, ConnectionContext Server)>? _untaken;
    private (InMemoryListener Listener, bool IsSecure)? _way;
    private int _rounds;

    /// <summary>
    /// Makes a request for the first time, to the first endpoint that answers; an endpoint that does not answer plain text is asked
    /// over TLS. The request takes part in all later rounds.
    /// </summary>
    /// <returns>The status; null if no endpoint gave one.</returns>
    /// <exception cref="TimeoutException">There was no answer in time.</exception>
    public int? First(WarmUpRequest request)
    {
        var bytes = Encode(request);
        foreach (var way in _way is { } known ? [known] : Ways())
        {
            if (TryFirst(way, bytes) is { } status)
            {
                _way = way;
                if (status < FirstServerError)
                {
                    _requests.Add(bytes);
                }

                return status;
            }
        }

        return null;
    }

    /// <summary>Makes each request once more, several at a time, on kept and on new connections.</summary>
    /// <returns>How many requests were answered.</returns>
    public int Round()
    {
        if (_requests.Count == 0)
        {
            return 0;
        }

        if (++_rounds % RoundsPerNewConnection == 0)
        {
            Drop(_rounds / RoundsPerNewConnection % Connections);
        }

        var answered = 0;
        var overloaded = new HashSet<byte[]>();
        for (var first = 0; first < _requests.Count; first += Connections)
        {
            for (var i = 0; i < Connections; i++)
            {
                Send(i, _requests[(first + i) % _requests.Count]);
            }

            for (var i = 0; i < Connections; i++)
            {
                if (Receive(i) is not { } status)
                {
                    continue;
                }

                answered++;
                if (status >= FirstServerError)
                {
                    overloaded.Add(_requests[(first + i) % _requests.Count]);
                }
            }
        }

        // The first answer was good, so this request is probably rate-limited: not an error, but not worth repeating.
        _requests.RemoveAll(overloaded.Contains);
        return answered;
    }

    public void Dispose()
    {
        _end.Cancel();
        if (_untaken is { } untaken && Task.WaitAny([untaken], EndsWithin) == 0 && untaken.IsCompletedSuccessfully)
        {
            untaken.Result.Client.Dispose();
            untaken.Result.Server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        for (var i = 0; i < Connections; i++)
        {
            Drop(i);
        }

        // A handler that still runs gets a moment to end, but not while clients wait.
        connector.EndedAsync(stop.IsCancellationRequested ? TimeSpan.Zero : EndsWithin).GetAwaiter().GetResult();
        connector.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _end.Dispose();
    }

    private static byte[] Encode(WarmUpRequest request)
    {
        var head = new StringBuilder($"{request.Method} {request.Path} HTTP/1.1\r\n");
        foreach (var header in request.Headers ?? [])
        {
            head.Append(header).Append("\r\n");
        }

        Unless("Host", "localhost");
        Unless("User-Agent", "green-warm-up");

        // The flags say that the caller does not sample this trace, so parent-based samplers leave it out.
        Unless("traceparent", "00-00000000000000000000000000000001-0000000000000001-00");
        var body = request.Body is { } text ? Encoding.UTF8.GetBytes(text) : [];
        if (request.Body is not null)
        {
            head.Append("Content-Length: ").Append(body.Length).Append("\r\n");
        }

        return [.. Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), .. body];

        void Unless(string name, string value)
        {
            if (!(request.Headers ?? []).Any(header => header.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase)))
            {
                head.Append(name).Append(": ").Append(value).Append("\r\n");
            }
        }
    }

    private IEnumerable<(InMemoryListener Listener, bool IsSecure)> Ways() => [.. listeners.Select(static listener => (listener, false)), .. listeners.Select(static listener => (listener, true))];

    private int? TryFirst((InMemoryListener Listener, bool IsSecure) way, byte[] request)
    {
        try
        {
            using var connection = Connect(way);
            if (connection is null)
            {
                return null;
            }

            connection.Send(request);
            return connection.Receive();
        }
        catch (Exception refused) when (refused is IOException or AuthenticationException)
        {
            if (left() <= TimeSpan.Zero)
            {
                throw new TimeoutException();
            }

            return null;
        }
    }

    private WarmUpConnection? Connect((InMemoryListener Listener, bool IsSecure) way)
    {
        _untaken = connector.ConnectAsync(_end.Token);
        if (!_untaken.Wait(left() is var limit && limit > TimeSpan.Zero ? limit : TimeSpan.Zero, stop))
        {
            throw new IOException("the time is over");
        }

        var (client, server) = _untaken.Result;
        _untaken = null;
        if (!way.Listener.TryConnect(server))
        {
            client.Dispose();
            server.DisposeAsync().AsTask().GetAwaiter().GetResult();
            return null;
        }

        // A wait for an answer then sees the end of the stream. Never disposed before the socket.
        var stopped = stop.UnsafeRegister(static socket => Shutdown((Socket)socket!), client);
        try
        {
            return new WarmUpConnection(client, way.IsSecure, left, stopped);
        }
        catch
        {
            stopped.Dispose();
            client.Dispose();
            throw;
        }
    }

    private static void Shutdown(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The socket has already ended.
        }
    }

    private void Send(int index, byte[] request)
    {
        try
        {
            if (_connections[index] is not { IsKept: true })
            {
                Drop(index);
                _connections[index] = Connect(_way!.Value);
            }

            _connections[index]?.Send(request);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            Drop(index);
        }
    }

    private int? Receive(int index)
    {
        try
        {
            return _connections[index]?.Receive();
        }
        catch (IOException)
        {
            Drop(index);
            return null;
        }
    }

    private void Drop(int index)
    {
        _connections[index]?.Dispose();
        _connections[index] = null;
    }
}
