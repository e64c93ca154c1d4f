using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Loop;

// A worker may send anything: another worker is only ever told to request a GET without headers or a body.

/// <summary>The routes that clients request, as the workers report them. In memory only; belongs to the supervisor's thread.</summary>
internal sealed class RecordedRoutes
{
    private List<WarmUpRequest> _mix = [];

    /// <summary>Takes a worker's routes. They come before those reported earlier.</summary>
    public void Take(WarmUpRequest[] routes) => _mix =
    [
        .. routes.Where(static route => route is { Method: "GET", Headers: null, Body: null, Route: not null, Path.Length: <= WarmUpRequest.LongestRoute })
            .Concat(_mix).DistinctBy(static route => route.Route).Take(WarmUpRequest.MostRecorded),
    ];

    /// <summary>Adds as many recorded routes to a warm-up's message as fit into it.</summary>
    public LifelineMessage AddTo(LifelineMessage warm)
    {
        var own = warm.WarmUp ?? [];
        for (var count = Math.Min(_mix.Count, WarmUpRequest.Most - own.Length); count > 0; count--)
        {
            var all = warm with { WarmUp = [.. own, .. _mix.Take(count)] };
            if (all.ToUtf8().Length <= LifelineMessage.MaxSize)
            {
                return all;
            }
        }

        return warm;
    }
}
