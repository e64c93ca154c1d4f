using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FunctionalTests.Harness;

/// <summary>An address to send requests to, as the status document writes it: <c>tcp://127.0.0.1:8080</c>, <c>unix:/path</c>, <c>unix:@name</c>.</summary>
internal sealed class Target
{
    private Target(EndPoint endPoint) => EndPoint = endPoint;

    public EndPoint EndPoint { get; }

    public int Port => ((IPEndPoint)EndPoint).Port;

    public static Target Parse(string endpoint)
    {
        if (endpoint.StartsWith("unix:@", StringComparison.Ordinal))
        {
            return new Target(new UnixDomainSocketEndPoint($"\0{endpoint[6..]}"));
        }

        if (endpoint.StartsWith("unix:", StringComparison.Ordinal))
        {
            return new Target(new UnixDomainSocketEndPoint(endpoint[5..]));
        }

        var address = IPEndPoint.Parse(endpoint.Replace("tcp://", "", StringComparison.Ordinal));
        return new Target(
            address.Address.Equals(IPAddress.Any) ? new IPEndPoint(IPAddress.Loopback, address.Port)
            : address.Address.Equals(IPAddress.IPv6Any) ? new IPEndPoint(IPAddress.IPv6Loopback, address.Port)
            : address);
    }

    public static Target Loopback(int port) => new(new IPEndPoint(IPAddress.Loopback, port));

    /// <summary>Sends one request on its own connection; throws unless the answer is 200.</summary>
    public async Task<string> Get(string path)
    {
        using var connection = await RawConnection.To(this);
        return await connection.Get(path, keepAlive: false);
    }

    /// <summary>The process that answers a new connection.</summary>
    public async Task<int> Pid() => int.Parse(await Get("/pid"), CultureInfo.InvariantCulture);

    /// <summary>Sends a request without waiting for the answer. Disposing the connection aborts it.</summary>
    public async Task<RawConnection> Ask(string path)
    {
        var connection = await RawConnection.To(this);
        await connection.Send(path, keepAlive: true);
        return connection;
    }
}
