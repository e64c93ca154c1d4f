using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Tests;

public class ContractTests
{
    [Theory]
    [InlineData("tcp://127.0.0.1:8080")]
    [InlineData("tcp://[::1]:8080")]
    [InlineData("unix:/run/app.sock")]
    [InlineData("unix:@name")]
    public void An_endpoint_reads_back_as_it_was_written(string text)
    {
        Assert.True(ListenEndpoint.TryParse(text, out var endpoint));
        Assert.Equal(text, endpoint.ToString());
        Assert.Equal(endpoint, ListenEndpoint.Of(endpoint.ToEndPoint()));
        Assert.True(endpoint.Covers(endpoint.ToEndPoint()));
    }

    [Fact]
    public void A_heartbeat_record_reads_back_as_it_was_written()
    {
        var written = new HeartbeatRecord(4, 77, 2, 3, WorkerState.Serving, 9, 123_456_789_012);
        Span<byte> bytes = stackalloc byte[HeartbeatRecord.Size];
        written.Write(bytes);
        Assert.True(HeartbeatRecord.TryRead(bytes, out var read));
        Assert.Equal(written, read);
    }
}
