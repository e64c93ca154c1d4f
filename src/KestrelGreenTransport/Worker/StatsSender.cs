using System.Collections.Immutable;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Supervision;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// Tells the supervisor how many requests were answered and, where routes are recorded, which ones, whenever there is something
/// new. A full lifeline loses nothing, because figures only grow.
/// </summary>
internal sealed class StatsSender(Lifeline lifeline, RouteRecorder? routes = null)
{
    private ImmutableArray<RequestDurations> _hosts = [];
    private long _sent;
    private long _sentRoutes;

    /// <summary>The requests of a host count from now on, also after it is gone.</summary>
    public void Add(RequestDurations host) => ImmutableInterlocked.Update(ref _hosts, static (all, one) => all.Add(one), host);

    /// <summary>Belongs to the beat thread.</summary>
    public void SendNews()
    {
        var stats = _hosts.Aggregate(RequestStats.None, static (sum, host) => sum + host.Read());
        if (stats.Count != _sent && lifeline.TrySend(LifelineMessage.Of(stats)))
        {
            _sent = stats.Count;
        }

        // Whenever the count has doubled: often at first, and hardly ever after a day.
        if (routes is { Noted: > 0 and var noted } && noted >= 2 * _sentRoutes
            && lifeline.TrySend(new LifelineMessage { Type = LifelineTypes.Recorded, WarmUp = routes.Read() }))
        {
            _sentRoutes = noted;
        }
    }
}
