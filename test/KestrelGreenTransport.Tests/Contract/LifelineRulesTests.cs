using System.Text;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Tests.Contract;

public class LifelineRulesTests
{
    [Theory]
    [InlineData("""{}""", "it is not a JSON object of the contract")]
    [InlineData("""{"type":null}""", "type is missing")]
    [InlineData("""null""", "it is null")]
    [InlineData("""{"type":"hello","pid":-1}""", "pid is -1")]
    [InlineData("""{"type":"hello","contractVersion":-1}""", "contractVersion is -1")]
    [InlineData("""{"type":"drain","deadlineMs":9223372036854775807}""", "deadlineMs is 9223372036854775807")]
    [InlineData("""{"type":"failed","exitCode":256}""", "exitCode is 256")]
    [InlineData("""{"type":"beat","state":4,"at":1}""", "state is 4")]
    [InlineData("""{"type":"beat","state":2,"at":-9223372036854775808}""", "at is -9223372036854775808")]
    [InlineData("""{"type":"siblingDied","index":0}""", "index is 0")]
    [InlineData("""{"type":"bound","id":-1}""", "id is -1")]
    [InlineData("""{"type":"bound","errno":-1}""", "errno is -1")]
    [InlineData("""{"type":"stats","requests":-1}""", "requests is -1")]
    [InlineData("""{"type":"stats","failed":9223372036854775807}""", "failed is 9223372036854775807")]
    [InlineData("""{"type":"stats","durationNs":-1}""", "durationNs is -1")]
    [InlineData("""{"type":"stats","buckets":[0,1,9223372036854775807]}""", "a bucket is 9223372036854775807")]
    [InlineData("""{"type":"slowRequest","ageMs":9223372036854775807}""", "ageMs is 9223372036854775807")]
    [InlineData("""{"type":"slowRequest","ageMs":-1}""", "ageMs is -1")]
    [InlineData("""{"type":"inFlight","id":1,"inFlight":[null]}""", "inFlight has a request without a method or a path")]
    [InlineData("""{"type":"inFlight","id":1,"inFlight":[{"method":null,"path":"/","ageMs":1}]}""", "inFlight has a request without a method or a path")]
    [InlineData("""{"type":"inFlight","id":1,"inFlight":[{"method":"GET","path":"/","ageMs":-1}]}""", "ageMs is -1")]
    public void A_field_out_of_its_range_makes_a_packet_no_message(string json, string problem)
    {
        Assert.False(LifelineMessage.TryParse(Encoding.UTF8.GetBytes(json), out var message, out var why));
        Assert.Null(message);
        Assert.Equal(problem, why);
    }

    [Theory]
    [InlineData("type", 64)]
    [InlineData("path", LifelineRules.LongestText)]
    [InlineData("message", LifelineRules.LongestText)]
    [InlineData("error", LifelineRules.LongestText)]
    [InlineData("method", LifelineRules.LongestText)]
    [InlineData("endpoint", 256)]
    public void A_text_may_be_as_long_as_it_may_and_no_longer(string field, int longest)
    {
        Assert.True(Parses(longest));
        Assert.False(Parses(longest + 1));

        bool Parses(int length) => LifelineMessage.TryParse(
            Encoding.UTF8.GetBytes(field == "type" ? $$"""{"type":"{{new string('x', length)}}"}""" : $$"""{"type":"any","{{field}}":"{{new string('x', length)}}"}"""), out _);
    }

    [Fact]
    public void Every_field_of_a_message_has_a_range()
    {
        // For each numeric field, a number out of range; for each list, too many elements.
        foreach (var property in typeof(LifelineMessage).GetProperties().Where(static property => property.CanWrite))
        {
            var name = char.ToLowerInvariant(property.Name[0]) + property.Name[1..];
            var extreme = (Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) switch
            {
                var type when type == typeof(int) => $"{int.MinValue}",
                var type when type == typeof(long) => $"{long.MinValue}",
                var type when type == typeof(string) => $"\"{new string('x', 60_000)}\"",
                { IsArray: true } type => $"[{string.Join(',', Enumerable.Repeat(type == typeof(long[]) ? "1" : """{"method":"","path":"","ageMs":1}""", 1100))}]",
                _ => null,
            };
            if (extreme is not null)
            {
                var json = name == "type" ? $$"""{"type":{{extreme}}}""" : $$"""{"type":"any","{{name}}":{{extreme}}}""";
                Assert.False(LifelineMessage.TryParse(Encoding.UTF8.GetBytes(json), out _), name);
            }
        }
    }

    [Theory]
    [InlineData("unix:/tmp/with\0nul")]
    [InlineData("unix:@\0")]
    [InlineData("unix:")]
    public void A_path_that_the_kernel_does_not_take_is_no_endpoint(string text) => Assert.False(ListenEndpoint.TryParse(text, out _));

    [Theory]
    [InlineData('/')]
    [InlineData('@')]
    public void A_path_has_at_most_as_many_bytes_as_the_kernel_takes(char first)
    {
        var rest = first == '@' ? 107 : 106;
        Assert.True(ListenEndpoint.TryParse($"unix:{first}{new string('x', rest)}", out var longest));
        Assert.NotNull(longest.ToEndPoint());
        Assert.False(ListenEndpoint.TryParse($"unix:{first}{new string('x', rest + 1)}", out _));
        Assert.False(ListenEndpoint.TryParse($"unix:{first}{new string('ä', rest)}", out _));
    }
}
