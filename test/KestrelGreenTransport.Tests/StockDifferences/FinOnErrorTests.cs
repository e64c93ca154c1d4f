using System.Net.Sockets;
using System.Text;
using KestrelGreenTransport.Tests.Epoll;

namespace KestrelGreenTransport.Tests.StockDifferences;

/// <summary>Kestrel's switch <c>Microsoft.AspNetCore.Server.Kestrel.FinOnError</c>, which applies to the whole process.</summary>
public class FinOnErrorTests
{
    [Theory]
    [InlineData("--Transport Stock")]
    [InlineData("--GreenTransport:Backend Epoll")]
    public async Task With_the_switch_an_aborted_connection_ends_without_a_reset(string transport)
    {
        await using var worker = await WorkerProcess.StartAsync("export FIN_ON_ERROR=1", $"--urls http://127.0.0.1:0 {transport}");
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(worker.Address.Host, worker.Address.Port);
        await client.SendAsync(Encoding.ASCII.GetBytes("GET /abort HTTP/1.1\r\nHost: test\r\n\r\n"));
        Assert.Equal("", await Wait.ForAsync(client.ReceiveAllAsync()));
    }
}
