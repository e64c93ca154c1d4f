using KestrelGreenTransport.Accepting;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Draining;

/// <summary>
/// Whether this process is draining: it accepts no more, and finishes what it has accepted. A DI singleton; a drain is never undone.
/// </summary>
internal sealed class Drain(AcceptGate gate, IOptions<GreenTransportOptions> options)
{
    private volatile bool _hasBegun;
    private readonly Lock _lock = new();
    private TimeSpan? _limit;

    public bool HasBegun => _hasBegun;

    /// <summary>How long requests in flight may take: GracefulTimeout, unless the supervisor has set another limit.</summary>
    /// <exception cref="OptionsValidationException">An option is invalid.</exception>
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

    /// <summary>Sets the limit, even of a drain under way. A shorter limit set before stays.</summary>
    public void LimitTo(TimeSpan limit)
    {
        lock (_lock)
        {
            _limit = _limit < limit ? _limit : limit;
        }
    }

    /// <summary>
    /// Leaves the listeners that siblings accept on, at once; responses that start from now on tell their clients to close.
    /// </summary>
    public void Begin()
    {
        _hasBegun = true;
        gate.CloseShared();
    }
}
