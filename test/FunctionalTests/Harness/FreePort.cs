using System.Net;
using System.Net.Sockets;

namespace FunctionalTests.Harness;

/// <summary>A port of the loopback address, held until <see cref="Release"/>; for programs that cannot be given port 0.</summary>
internal sealed class FreePort : IDisposable
{
    private readonly TcpListener _holder = new(IPAddress.Loopback, 0);

    public FreePort()
    {
        _holder.Start();
        Number = ((IPEndPoint)_holder.LocalEndpoint).Port;
    }

    public int Number { get; }

    public int Release()
    {
        _holder.Stop();
        return Number;
    }

    public void Dispose() => _holder.Dispose();
}
