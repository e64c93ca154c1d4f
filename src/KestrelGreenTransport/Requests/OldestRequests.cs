using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervision;

namespace KestrelGreenTransport.Requests;

/// <summary>
/// Answers which requests have been in flight longest. On the beat thread, which neither a starved thread pool nor a blocked
/// loop delays: that is when this is asked.
/// </summary>
internal sealed class OldestRequests(RequestFigures requests, TimeProvider time) : ILifelineHandler
{
    /// <summary>The most requests that are named.</summary>
    public const int Most = LifelineRules.MostInFlight;

    // In characters: all paths must fit into one packet, at up to six bytes a character.
    private const int LongestPath = 512;

    public void Receive(LifelineMessage message, Lifeline lifeline)
    {
        if (message is { Type: LifelineTypes.Requests, Id: { } id })
        {
            var now = time.Nanoseconds();
            lifeline.TrySend(new LifelineMessage
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
    }
}
