using System.Net;
using System.Net.Security;

namespace LoadGenerator;

/// <summary>What a load consists of.</summary>
public sealed record LoadPlan
{
    /// <summary>The server.</summary>
    public required EndPoint EndPoint { get; init; }

    /// <summary>If set, clients speak HTTP/1.1 over TLS, and this checks the server's certificate on each connection.</summary>
    public RemoteCertificateValidationCallback? Tls { get; init; }

    /// <summary>How many clients send requests at the same time, each on its own connection.</summary>
    public int Clients { get; init; } = 16;

    /// <summary>The path that is requested.</summary>
    public string Path { get; init; } = "/";

    /// <summary>
    /// The size of each request's body in bytes; 0 means GET. A server must answer a body with its process id, a space and the same
    /// body. If the answer to a GET is just a number, it is taken for the process id.
    /// </summary>
    public int Body { get; init; }

    /// <summary>Whether connections are reused, as long as the server allows it.</summary>
    public bool KeepAlive { get; init; } = true;

    /// <summary>How long a connect, and a request from its first byte to the last of its response, may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a client rests after each response.</summary>
    public TimeSpan Pause { get; init; }

    /// <summary>The time over which the clients start, one after another; zero starts all at once.</summary>
    public TimeSpan Ramp { get; init; }

    /// <summary>How long a client rests before each read of a little more of a response: a slow reader.</summary>
    public TimeSpan ReadPause { get; init; }

    /// <summary>
    /// If above 0, each client speaks HTTP/2 without TLS and has this many requests open at once on one connection. This uses .NET's
    /// own client, which retries requests that the server reports as not processed (GOAWAY), as the protocol allows.
    /// </summary>
    public int Streams { get; init; }

    /// <summary>How many requests each client, or each of its streams, sends; null for no limit.</summary>
    public long? RequestsOfEach { get; init; }
}
