using System.Net;
using System.Net.Security;

namespace LoadGenerator;

/// <summary>What a load consists of.</summary>
public sealed record LoadPlan
{
    /// <summary>Whom to ask.</summary>
    public required EndPoint EndPoint { get; init; }

    /// <summary>Given, the clients speak HTTP/1.1 over TLS, and this judges the server's certificate on each connection.</summary>
    public RemoteCertificateValidationCallback? Tls { get; init; }

    /// <summary>How many clients ask at the same time, each with one connection.</summary>
    public int Clients { get; init; } = 16;

    /// <summary>What is asked for.</summary>
    public string Path { get; init; } = "/";

    /// <summary>
    /// Bytes of the body of each request; 0 asks by GET. A server that gets a body must answer with its process id, a
    /// space and the same body. Where it is asked by GET, a number alone is taken for its process id.
    /// </summary>
    public int Body { get; init; }

    /// <summary>Whether connections are used again, for as long as the server lets them.</summary>
    public bool KeepAlive { get; init; } = true;

    /// <summary>How long a connect, and a request from its first byte to the last of its response, may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a client rests after each response.</summary>
    public TimeSpan Pause { get; init; }

    /// <summary>Within which time the clients come, one after the other; zero lets them come at once.</summary>
    public TimeSpan Ramp { get; init; }

    /// <summary>How long a client rests before it takes a little more of a response from its connection: a slow reader.</summary>
    public TimeSpan ReadPause { get; init; }

    /// <summary>
    /// More than 0: each client speaks HTTP/2 without TLS, on one connection, and asks so many times at once. It is .NET's own
    /// client then, which asks again what the server said it did not take (GOAWAY), as the protocol has it.
    /// </summary>
    public int Streams { get; init; }

    /// <summary>How many requests each client makes, or each stream of it; null for no end.</summary>
    public long? RequestsOfEach { get; init; }
}
