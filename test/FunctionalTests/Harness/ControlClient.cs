using System.Net.Sockets;
using System.Text.Json;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Harness;

/// <summary>Queries a supervisor over its control socket, which is cheaper than running `green status` each time.</summary>
internal static class ControlClient
{
    public static async Task<StatusDocument> Status(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), limit.Token);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync("{\"command\":\"status\"}\n"u8.ToArray(), limit.Token);
        using var reader = new StreamReader(stream);
        var line = await reader.ReadLineAsync(limit.Token) ?? throw new EndOfStreamException("no answer on the control socket");
        var response = JsonSerializer.Deserialize(line, ControlJson.Default.ControlResponse)!;
        return response.Status ?? throw new InvalidOperationException(response.Error);
    }
}
