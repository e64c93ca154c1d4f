using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Worker;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Explains, in a worker, endpoints of the app that no inherited listener answers.
///
/// For <c>localhost</c> Kestrel asks for 127.0.0.1 and then for [::1], and one of them is enough: it passes over any
/// failure but an IOException. So a loopback address whose other half may do is refused by another exception, and is
/// reported as the worker's end only once the host is known not to have started.
/// </summary>
internal sealed class MissingEndpoints(InheritedSockets inherited, WorkerFailure failure) : IDisposable
{
    /// <summary>What the supervisor exits with when its app cannot be run as a worker (docs/signals-and-exit-codes.md).</summary>
    public const int AppNotStartable = 4;

    private readonly HashSet<EndPoint> _answered = [];
    private string? _undecided;

    public void Answered(EndPoint asked) => _answered.Add(asked);

    public Exception NotInherited(EndPoint asked)
    {
        var message = Explain(asked);
        if (asked is IPEndPoint ip && OtherLoopback(ip) is { } other && (_answered.Contains(other) || inherited.Find(other) is not null))
        {
            _undecided ??= message;
            return new InvalidOperationException(message);
        }

        failure.Report(AppNotStartable, message);
        return new IOException(message);
    }

    /// <summary>The app serves: what was missing was not needed.</summary>
    public void Started() => _undecided = null;

    /// <summary>The host is gone; if it never started, this was why.</summary>
    public void Dispose()
    {
        if (_undecided is { } message)
        {
            failure.Report(AppNotStartable, message);
        }
    }

    private static IPEndPoint? OtherLoopback(IPEndPoint asked) =>
        asked.Address.Equals(IPAddress.Loopback) ? new IPEndPoint(IPAddress.IPv6Loopback, asked.Port)
        : asked.Address.Equals(IPAddress.IPv6Loopback) ? new IPEndPoint(IPAddress.Loopback, asked.Port)
        : null;

    private string Explain(EndPoint asked)
    {
        var what = string.Join(", ", inherited.Listeners.Select(static one => one.Endpoint));
        var (name, bind) = asked switch
        {
            IPEndPoint ip => ($"{ListenEndpoint.Of(ip)}", $"{ip}"),
            UnixDomainSocketEndPoint unix => ($"{ListenEndpoint.Of(unix)}", $"{ListenEndpoint.Of(unix)}"),
            FileHandleEndPoint file => ($"fd://{file.FileHandle}", $"fd://{file.FileHandle}"),
            _ => ($"{asked}", $"{asked}"),
        };
        return $"The app configures the endpoint {name}, which this worker did not inherit: it inherited {what}. "
            + $"Remove the endpoint from the app (Kestrel:Endpoints in its configuration, or Listen...() in code), or give it to the supervisor too: -b {bind}.";
    }
}
