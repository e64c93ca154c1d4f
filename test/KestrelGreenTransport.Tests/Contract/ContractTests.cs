using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Tests.Contract;

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

    [Theory]
    [InlineData("GREEN_HEARTBEAT_INTERVAL", "1h", "61m")]
    [InlineData("GREEN_REQUEST_TIMEOUT", "1d", "25h")]
    public void A_time_of_the_contract_is_from_10_ms_to_what_the_contract_says(string name, string longest, string tooLong)
    {
        foreach (var right in (string[])["10ms", longest])
        {
            Assert.NotNull(WorkerContract.Read(new WorkerVariables(name, right).Take));
        }

        foreach (var wrong in (string[])["9ms", tooLong])
        {
            var refused = Assert.Throws<FormatException>(() => WorkerContract.Read(new WorkerVariables(name, wrong).Take));
            Assert.Equal($"{name} ('{wrong}') must be a duration from 10ms to {longest}, such as 1s.", refused.Message);
        }
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
