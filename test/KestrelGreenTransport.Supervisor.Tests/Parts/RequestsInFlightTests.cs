using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Parts;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Supervisor.Tests.Parts;

/// <summary>Every request gets exactly one answer, whatever the worker does.</summary>
public sealed class RequestsInFlightTests
{
    private static readonly SupervisorState State = new() { Settings = new ArbiterSettings(), Target = 1 };

    private readonly FakeTimeProvider _time = new();
    private readonly List<LifelineMessage> _told = [];
    private readonly List<ControlResponse> _answers = [];

    [Fact]
    public void A_worker_that_says_nothing_is_not_waited_for()
    {
        var part = Part(heard: true);
        part.Ask(new ControlRequest { Command = "requests", Worker = 3 }, _answers.Add);
        part.OnTick(State);
        Assert.Empty(_answers);
        Assert.Equal((LifelineTypes.Requests, 1L), (Assert.Single(_told).Type, _told[0].Id));

        _time.Advance(RequestsInFlight.Limit);
        part.OnTick(State);
        part.OnTick(State);

        Assert.Null(Assert.Single(_answers).InFlight!.Oldest);
    }

    [Fact]
    public void Nobody_waits_for_a_worker_that_cannot_be_told()
    {
        Part(heard: false).Ask(new ControlRequest { Command = "requests", Worker = 3 }, _answers.Add);

        Assert.Null(Assert.Single(_answers).InFlight!.Oldest);
    }

    [Fact]
    public void A_question_that_names_no_worker_is_refused()
    {
        Part(heard: true).Ask(new ControlRequest { Command = "requests" }, _answers.Add);

        Assert.Equal("name a worker", Assert.Single(_answers).Error);
    }

    private RequestsInFlight Part(bool heard) => new(
        static action => action(),
        (_, message) =>
        {
            _told.Add(message);
            return heard;
        },
        _time);
}
