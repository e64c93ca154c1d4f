using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Loop;

// A worker may say anything: what another one is told to ask for is a GET without headers or body, and nothing else.

/// <summary>Which routes the workers say that clients ask for. In memory only; belongs to the supervisor's thread.</summary>
internal sealed class RecordedRoutes
{
    private List<WarmUpRequest> _mix = [];

    /// <summary>What a worker says; it counts before what others said earlier.</summary>
    public void Take(WarmUpRequest[] routes) => _mix =
    [
        .. routes.Where(static route => route is { Method: "GET", Headers: null, Body: null, Route: not null, Path.Length: <= WarmUpRequest.LongestRoute })
            .Concat(_mix).DistinctBy(static route => route.Route).Take(WarmUpRequest.MostRecorded),
    ];

    /// <summary>Adds as many of them to the order for a warm-up as it has room for.</summary>
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
