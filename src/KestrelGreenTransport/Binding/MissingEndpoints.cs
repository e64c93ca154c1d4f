using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervision;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Explains, in a worker, endpoints of the app that no inherited listener answers, or that the supervisor cannot bind.
///
/// For <c>localhost</c> Kestrel asks for 127.0.0.1 and then for [::1], and needs only one of them: it ignores any failure but
/// an IOException. So a loopback address whose counterpart may work is refused with another exception, and is reported as
/// the reason for the worker's exit only once it is clear that the host has not started.
/// </summary>
internal sealed class MissingEndpoints(InheritedSockets inherited, WorkerFailure failure) : IDisposable
{
    /// <summary>The supervisor's exit code if its app cannot be run as a worker (docs/signals-and-exit-codes.md).</summary>
    public const int AppNotStartable = 4;

    /// <summary>The supervisor's exit code if a socket cannot be bound.</summary>
    public const int CannotBind = 5;

    private readonly HashSet<EndPoint> _answered = [];
    private (int ExitCode, string Message)? _undecided;

    public void Answered(EndPoint asked) => _answered.Add(asked);

    public Exception NotInherited(EndPoint asked)
    {
        var message = Explain(asked);
        if (asked is IPEndPoint ip && OtherLoopback(ip) is { } other && (_answered.Contains(other) || inherited.Find(other) is not null))
        {
            _undecided ??= (AppNotStartable, message);
            return new InvalidOperationException(message);
        }

        failure.Report(AppNotStartable, message);
        return new IOException(message);
    }

    /// <summary>The supervisor tried to bind it and failed.</summary>
    /// <param name="asked">The app's endpoint.</param>
    /// <param name="message">The supervisor's message.</param>
    /// <param name="errno">The kernel's error number, or 0.</param>
    public Exception NotBound(EndPoint asked, string message, int errno)
    {
        // Kestrel copes with a machine without IPv6 (or IPv4), where one half of localhost is missing, but not with a taken port.
        if (errno is Errno.EADDRNOTAVAIL or Errno.EAFNOSUPPORT && asked is IPEndPoint ip && OtherLoopback(ip) is not null)
        {
            _undecided ??= (CannotBind, message);
            return new InvalidOperationException(message);
        }

        failure.Report(CannotBind, message);
        return new IOException(message);
    }

    /// <summary>Another host of this process serves the endpoint that this one asks for.</summary>
    /// <param name="asked">The app's endpoint.</param>
    /// <param name="taken">The socket that answers it.</param>
    public IOException Taken(EndPoint asked, string taken) => Report(
        $"The app configures the endpoint {Names(asked).Name}, but another host of this process already serves {taken}. "
        + "Give each host its own addresses (Kestrel:Endpoints in its configuration, UseUrls or Listen...() in code): a host that names none gets all that no other host serves.");

    /// <summary>A host names no endpoint, and other hosts of this process serve everything that was inherited.</summary>
    public IOException NothingLeft() => Report(
        $"A host of the app names no endpoint, but other hosts of this process already serve every listener that it inherited: {Inherited()}. "
        + "Name its endpoints (Kestrel:Endpoints in its configuration, UseUrls or Listen...() in code), and give them to the supervisor too (-b).");

    /// <summary>The app has started: what was missing was not needed.</summary>
    public void Started() => _undecided = null;

    /// <summary>The host is disposed; if it never started, this was why.</summary>
    public void Dispose()
    {
        if (_undecided is var (exitCode, message))
        {
            failure.Report(exitCode, message);
        }
    }

    private IOException Report(string message)
    {
        failure.Report(AppNotStartable, message);
        return new IOException(message);
    }

    private string Inherited() => inherited.Any ? string.Join(", ", inherited.Listeners.Select(static one => one.Endpoint)) : "none";

    private static IPEndPoint? OtherLoopback(IPEndPoint asked) =>
        asked.Address.Equals(IPAddress.Loopback) ? new IPEndPoint(IPAddress.IPv6Loopback, asked.Port)
        : asked.Address.Equals(IPAddress.IPv6Loopback) ? new IPEndPoint(IPAddress.Loopback, asked.Port)
        : null;

    private string Explain(EndPoint asked)
    {
        var (name, bind) = Names(asked);
        return $"The app configures the endpoint {name}, which this worker did not inherit: it inherited {Inherited()}. "
            + $"Remove the endpoint from the app (Kestrel:Endpoints in its configuration, or Listen...() in code), or give it to the supervisor too: -b {bind}.";
    }

    private static (string Name, string Bind) Names(EndPoint asked) => asked switch
    {
        IPEndPoint ip => ($"{ListenEndpoint.Of(ip)}", $"{ip}"),
        UnixDomainSocketEndPoint unix => ($"{ListenEndpoint.Of(unix)}", $"{ListenEndpoint.Of(unix)}"),
        FileHandleEndPoint file => ($"fd://{file.FileHandle}", $"fd://{file.FileHandle}"),
        _ => ($"{asked}", $"{asked}"),
    };
}
