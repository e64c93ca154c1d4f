using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Supervision;
using KestrelGreenTransport.Tests.Supervision;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Requests;

public sealed class OldestRequestsTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly RequestFigures _figures;
    private readonly TestLifeline _supervisor = new();
    private readonly List<HttpRequestFeature> _requests = [];
    private readonly OldestRequests _oldest;
    private readonly Lifeline _lifeline;

    public OldestRequestsTests()
    {
        _figures = new RequestFigures(_time, keepsRequests: true);
        _oldest = new OldestRequests(_figures, _time);
        _lifeline = _supervisor.Open();
    }

    public void Dispose() => _supervisor.Dispose();

    [Fact]
    public void The_oldest_ten_are_named_oldest_first_and_what_has_ended_is_not()
    {
        var slots = Enumerable.Range(0, 15).Select(number =>
        {
            var slot = Begin($"/{number}");
            _time.Advance(TimeSpan.FromSeconds(1));
            return slot;
        }).ToList();
        _figures.End(slots[1]);

        var answer = Ask();

        Assert.Equal(["/0", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "/10"], answer.Select(static request => request.Path));
        Assert.Equal(("GET", 15_000L, 5_000L), (answer[0].Method, answer[0].AgeMs, answer[^1].AgeMs));
    }

    [Fact]
    public void Without_requests_the_answer_is_empty() => Assert.Empty(Ask());

    [Fact]
    public void Ten_of_the_longest_paths_fit_into_a_packet_and_none_holds_a_line_of_its_own()
    {
        for (var i = 0; i < 12; i++)
        {
            Begin($"/\n\u001b[2J{new string('\u4711', 4000)}");
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        var answer = Ask();

        Assert.Equal(10, answer.Length);
        Assert.All(answer, static request => Assert.StartsWith("/??[2J\u4711", request.Path, StringComparison.Ordinal));
    }

    private int Begin(string path)
    {
        // In a server the connection keeps it alive.
        _requests.Add(new HttpRequestFeature { Method = "GET", Path = path });
        return _figures.Begin(_requests[^1]);
    }

    private InFlightRequest[] Ask()
    {
        _oldest.Receive(new LifelineMessage { Type = LifelineTypes.Requests, Id = 7 }, _lifeline);
        var message = _supervisor.TryReceive()!;
        Assert.Equal((LifelineTypes.InFlight, 7L), (message.Type, message.Id));
        return message.InFlight!;
    }
}
