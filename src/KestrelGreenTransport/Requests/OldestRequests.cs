using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervision;

namespace KestrelGreenTransport.Requests;

/// <summary>
/// Answers which requests have been in flight for longest. On the beat thread, which neither a starved pool nor a blocked
/// loop holds up: that is when somebody asks.
/// </summary>
internal sealed class OldestRequests(RequestFigures requests, Lifeline lifeline)
{
    /// <summary>So many are named.</summary>
    public const int Most = LifelineRules.MostInFlight;

    // Of a path, in characters: all of them must fit into a packet, six bytes a character at worst.
    private const int LongestPath = 512;

    /// <param name="id">The question's, which comes back with the answer.</param>
    /// <param name="now">Monotonic nanoseconds.</param>
    public void Answer(long id, long now) => lifeline.TrySend(new LifelineMessage
    {
        Type = LifelineTypes.InFlight,
        Id = id,
        InFlight =
        [
            .. requests.StartedBefore(now).OrderBy(static request => request.Start).Take(Most)
                .Select(request => new InFlightRequest(request.Method, ShownPath.Of(request.Path, LongestPath), (now - request.Start) / 1_000_000)),
        ],
    });
}
