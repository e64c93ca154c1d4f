using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LoadGenerator;

/// <summary>
/// An HTTP/2 client without TLS: a single connection, many requests at once. Several callers may use it at the same time.
/// </summary>
internal sealed class Http2Client : IDisposable
{
    private readonly Lock _lock = new();
    private readonly HttpClient _client;
    private int? _server;
    private int? _serverBefore;

    public Http2Client(EndPoint endPoint, Action connected)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, limit) =>
            {
                var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(endPoint, limit);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }

                connected();
                OnConnected();
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        _client = new HttpClient(handler)
        {
            BaseAddress = new Uri("http://test"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>The process at the other end of the current connection; null until it has answered.</summary>
    public int? Server
    {
        get
        {
            lock (_lock)
            {
                return _server;
            }
        }
    }

    public async Task<(int Status, string Body)> AskAsync(string path, string body, CancellationToken limit)
    {
        using var request = new HttpRequestMessage(body.Length == 0 ? HttpMethod.Get : HttpMethod.Post, path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body.Length == 0 ? null : new ByteArrayContent(Encoding.ASCII.GetBytes(body)),
        };
        using var response = await _client.SendAsync(request, limit);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(limit));
    }

    public void OnAnswered(int? server)
    {
        lock (_lock)
        {
            // A late answer on the previous connection says nothing about the new one.
            if (server != _serverBefore)
            {
                _server = server;
            }
        }
    }

    /// <summary>The system's error is deep in the chain of exceptions, and deeper the later the connection ended.</summary>
    public static Outcome OutcomeOf(HttpRequestException e)
    {
        for (Exception? inner = e; inner is not null; inner = inner.InnerException)
        {
            switch (inner)
            {
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused }:
                    return Outcome.Refused;
                case SocketException:
                    return Outcome.Reset;
                case HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded }:
                    return Outcome.Ended;
            }
        }

        return Outcome.Wrong;
    }

    /// <summary>Every message in the chain: the outer one alone says little.</summary>
    public static string ReasonOf(Exception e) => e.InnerException is null ? e.Message : $"{e.Message} {ReasonOf(e.InnerException)}";

    public void Dispose() => _client.Dispose();

    private void OnConnected()
    {
        lock (_lock)
        {
            (_serverBefore, _server) = (_server, null);
        }
    }
}
