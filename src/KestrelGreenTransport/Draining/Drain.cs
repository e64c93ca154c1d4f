using KestrelGreenTransport.Accepting;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Draining;

/// <summary>
/// Whether this process drains: it accepts no more, and finishes what it took. A DI singleton; it never goes back.
/// </summary>
internal sealed class Drain(AcceptGate gate, IOptions<GreenTransportOptions> options)
{
    private volatile bool _hasBegun;
    private readonly Lock _lock = new();
    private TimeSpan? _limit;

    public bool HasBegun => _hasBegun;

    /// <summary>How long requests in flight may take: GracefulTimeout, or less where the supervisor has said so.</summary>
    /// <exception cref="OptionsValidationException">A setting is wrong.</exception>
    public TimeSpan Limit
    {
        get
        {
            lock (_lock)
            {
                return _limit ?? options.Value.GracefulTimeout;
            }
        }
    }

    /// <summary>Sets the limit, also of a drain that is under way. A shorter one that was set before stays.</summary>
    public void LimitTo(TimeSpan limit)
    {
        lock (_lock)
        {
            _limit = _limit < limit ? _limit : limit;
        }
    }

    /// <summary>
    /// Leaves the listeners that siblings accept on, at once; responses that start from now on tell their clients to go.
    /// </summary>
    public void Begin()
    {
        _hasBegun = true;
        gate.CloseShared();
    }
}
