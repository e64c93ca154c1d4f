using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Loop;

namespace KestrelGreenTransport.Supervisor.Tests.Parts;

public class RecordedRoutesTests
{
    private static readonly LifelineMessage Warm = new() { Type = LifelineTypes.Warm, WarmUp = [new WarmUpRequest("GET", "/health")] };

    private readonly RecordedRoutes _routes = new();

    [Fact]
    public void What_workers_recorded_follows_what_was_asked_for_one_example_of_each_route()
    {
        _routes.Take([Route("/items/{id}", "/items/1"), Route("/", "/")]);
        _routes.Take([Route("/list", "/list?page=1"), Route("/items/{id}", "/items/2")]);
        Assert.Equal("/health /list?page=1 /items/2 /", Asked());
    }

    [Fact]
    public void A_worker_has_another_one_ask_for_nothing_but_routes_by_GET()
    {
        _routes.Take(
        [
            new WarmUpRequest("POST", "/buy") { Route = "/buy" },
            new WarmUpRequest("DELETE", "/all") { Route = "/all" },
            new WarmUpRequest("GET", "/admin", ["Authorization: Basic x"]) { Route = "/admin" },
            new WarmUpRequest("GET", "/cookie", []) { Route = "/cookie" },
            new WarmUpRequest("GET", "/body", Body: "x") { Route = "/body" },
            new WarmUpRequest("GET", "/none"),
            new WarmUpRequest("GET", $"/{new string('x', 600)}") { Route = "/x" },
            Route("/good", "/good"),
        ]);
        Assert.Equal("/health /good", Asked());
    }

    [Fact]
    public void They_are_bounded_in_number_and_leave_room_for_what_was_asked_for()
    {
        _routes.Take([.. Enumerable.Range(0, 200).Select(static i => Route($"/{i}", $"/{i}"))]);
        Assert.Equal(1 + WarmUpRequest.MostRecorded, _routes.AddTo(Warm).WarmUp!.Length);

        // Each ' takes six bytes.
        _routes.Take([.. Enumerable.Range(0, 50).Select(static i => Route($"/{i}{new string('\'', 400)}", $"/{i}{new string('\'', 400)}"))]);
        var full = _routes.AddTo(Warm with { WarmUp = [new WarmUpRequest("POST", "/a", Body: new string('x', 30_000))] });
        Assert.InRange(full.WarmUp!.Length, 2, 50);
        Assert.InRange(full.ToUtf8().Length, 1, LifelineMessage.MaxSize);
    }

    private static WarmUpRequest Route(string route, string path) => new("GET", path) { Route = route };

    private string Asked() => string.Join(' ', _routes.AddTo(Warm).WarmUp!.Select(static request => request.Path));
}
