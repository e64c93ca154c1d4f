using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Accepting;

/// <summary>
/// What the app does with one connection: which requests are in flight, since when there is none, and what has arrived since
/// then. A feature of the connection, told by the middleware that all requests pass, and by the backend of what arrives.
///
/// An HTTP/1 connection has one request at a time, so its fields are written by one thread at a time. Streams of HTTP/2
/// come and go together, under a lock.
/// </summary>
internal sealed class ConnectionActivity(IServedConnection connection, TimeProvider time, ILogger logger)
{
    private const int Unknown = 0;
    private const int Single = 1;
    private const int Multiplexed = 2;

    private readonly Lock _lock = new();
    private List<IHttpRequestFeature>? _streams;
    private IHttpRequestFeature? _request;
    private IConnectionLifetimeNotificationFeature? _lifetime;
    private long _idleSince = time.GetTimestamp();
    private long _busySince;
    private long _receivedAt = long.MinValue;
    private long _longestRest;
    private int _kind;
    private int _isClosing;
    private volatile bool _reachesHttp;

    /// <summary>Whether this process is its own client on this connection, so that its requests are not counted, timed or logged.</summary>
    public bool IsWarmUp { get; set; }

    /// <summary>Whether a request is in flight: from before the app gets it until the app is done with it.</summary>
    public bool IsBusy => Volatile.Read(ref _request) is not null || (Volatile.Read(ref _streams) is { } streams && CountOf(streams) != 0);

    /// <summary>Timestamp of the last request's end, or of the accept.</summary>
    public long IdleSince => Volatile.Read(ref _idleSince);

    /// <summary>Timestamp of the begin of the last request, or of the accept.</summary>
    public long BusySince => Volatile.Read(ref _busySince) is not 0 and var since ? since : IdleSince;

    /// <summary>
    /// Timestamp of the last sign of life: a request's end, the accept, or whatever arrived without being a request yet, as in
    /// a handshake. TLS keeps half a record to itself, so this is all that shows of half a request.
    /// </summary>
    public long QuietSince => Math.Max(IdleSince, Volatile.Read(ref _receivedAt));

    /// <summary>Whether anything has arrived.</summary>
    public bool HasReceived => Volatile.Read(ref _receivedAt) != long.MinValue;

    /// <summary>
    /// Whether something has arrived on a connection of HTTP/1 since its last request ended, and is not a request yet: most
    /// likely a part of the next one. A client of HTTP/2 sends frames between its requests as well.
    /// </summary>
    public bool HasPartOfRequest => HasServed && Volatile.Read(ref _receivedAt) > IdleSince;

    /// <summary>The longest time between the end of one request and the begin of the next one; zero before the second, null before the first. HTTP/1 only.</summary>
    public TimeSpan? LongestRest => Volatile.Read(ref _kind) == Unknown ? null : time.GetElapsedTime(0, Volatile.Read(ref _longestRest));

    /// <summary>Whether there ever was a request of HTTP/1.</summary>
    public bool HasServed => Volatile.Read(ref _kind) == Single;

    /// <summary>Whether it carries several requests at once (HTTP/2), and closes by telling the client which ones it took.</summary>
    public bool IsMultiplexed => Volatile.Read(ref _kind) == Multiplexed;

    /// <summary>Whether Kestrel's HTTP layer has received the connection, or a request has come on it.</summary>
    public bool ReachesHttp => _reachesHttp || Volatile.Read(ref _kind) != Unknown;

    /// <summary>Whether bytes beyond the request in flight have arrived: most likely the next request.</summary>
    public bool HasMore => connection.HasUnconsumed;

    /// <summary>Something has arrived. For the thread that owns the read side.</summary>
    public void Arrived() => Volatile.Write(ref _receivedAt, time.GetTimestamp());

    /// <summary>Kestrel's HTTP gets it now.</summary>
    public void ReachHttp() => _reachesHttp = true;

    public void Begin(IHttpRequestFeature request, IFeatureCollection features)
    {
        var now = time.GetTimestamp();
        Volatile.Write(ref _busySince, now);
        if (_kind == Single)
        {
            var rest = now - _idleSince;
            if (rest > _longestRest)
            {
                Volatile.Write(ref _longestRest, rest);
            }
        }
        else if (_kind == Unknown)
        {
            Learn(request, features);
        }

        if (_kind == Single)
        {
            Volatile.Write(ref _request, request);
            return;
        }

        lock (_lock)
        {
            _streams!.Add(request);
        }
    }

    public void End(IHttpRequestFeature request)
    {
        Volatile.Write(ref _idleSince, time.GetTimestamp());
        if (_kind == Single)
        {
            Volatile.Write(ref _request, null);
            return;
        }

        lock (_lock)
        {
            _streams!.Remove(request);
        }
    }

    /// <summary>
    /// Tells the client of a multiplexed connection to open no more requests (GOAWAY). The connection then ends by itself.
    /// Once; the following calls do nothing and return false.
    /// </summary>
    public bool RequestClose()
    {
        if (Interlocked.Exchange(ref _isClosing, 1) != 0)
        {
            return false;
        }

        if (_lifetime is { } lifetime)
        {
            // It runs the callbacks that the app registered on ConnectionClosedRequested.
            ForeignCode.Run(
                static told => told.lifetime.RequestClose(),
                (lifetime, logger, connection),
                static (told, exception) => Log.CloseCallbackFailed(told.logger, exception, told.connection.ConnectionId));
        }

        return true;
    }

    /// <summary>
    /// The paths of the requests in flight, for a log. Kestrel reuses these objects for the next request, so a request that has
    /// just ended may be named wrongly.
    /// </summary>
    public IReadOnlyList<string> Paths()
    {
        if (Volatile.Read(ref _request) is { } request)
        {
            return [request.Path];
        }

        lock (_lock)
        {
            return _streams is null ? [] : [.. _streams.Select(static stream => stream.Path)];
        }
    }

    /// <summary>The part of the app that handles the connection, for a log: the requests in flight, or its connection handler.</summary>
    public string Handler => Paths() is { Count: > 0 } paths ? string.Join(", ", paths) : "its connection handler";

    private int CountOf(List<IHttpRequestFeature> streams)
    {
        lock (_lock)
        {
            return streams.Count;
        }
    }

    private void Learn(IHttpRequestFeature request, IFeatureCollection features)
    {
        lock (_lock)
        {
            if (_kind != Unknown)
            {
                return;
            }

            if (request.Protocol.StartsWith("HTTP/1", StringComparison.OrdinalIgnoreCase))
            {
                Volatile.Write(ref _kind, Single);
                return;
            }

            _streams = [];
            _lifetime = features.Get<IConnectionLifetimeNotificationFeature>();
            Volatile.Write(ref _kind, Multiplexed);
        }
    }
}
