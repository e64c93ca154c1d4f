using System.Runtime.CompilerServices;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Draining;

/// <summary>
/// A process that stops finishes what it has accepted: requests in flight complete, idle connections are told to go, and
/// only what is left at the limit is cut off.
///
/// This happens while the host says that it is stopping, not when Kestrel stops: Kestrel first gives up its clock, and
/// closes every connection right after its listeners.
/// </summary>
internal sealed class DrainService(
    Drain drain,
    IEnumerable<IConnectionListenerFactory> factories,
    Lazy<ITransportBackend> backend,
    TransportState state,
    IHostApplicationLifetime lifetime,
    StopCause cause,
    TransportClock clock,
    ILoggerFactory loggers) : HostedLifecycle
{
    /// <summary>How long a handler that reads may take to end, at the limit, before its connection is cut off.</summary>
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(1);

    private readonly ConditionalWeakTable<IServedConnection, Observed> _observed = [];
    private readonly ILogger _logger = loggers.CreateLogger(Log.Category).Guarded();
    private readonly TimeProvider _time = clock.Time;
    private readonly Lock _lock = new();
    private Task? _draining;

    /// <summary>Asks for a garbage collection.</summary>
    public Action Collect { private get; init; } = LeftBehind.Collect;

    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(drain.Begin);

        // Once more: callbacks run in reverse order, and this one should be done before one of the app's blocks.
        lifetime.ApplicationStarted.Register(() => lifetime.ApplicationStopping.Register(drain.Begin));
        return Task.CompletedTask;
    }

    public override Task StoppingAsync(CancellationToken cancellationToken)
    {
        // A host may be told to stop twice at once: by its owner, and by the token that this cancels.
        lock (_lock)
        {
            if (_draining is null && !lifetime.ApplicationStopping.IsCancellationRequested)
            {
                cause.Own();
            }

            return _draining ??= DrainAsync(cancellationToken);
        }
    }

    private async Task DrainAsync(CancellationToken hurry)
    {
        drain.Begin();
        var limit = drain.Limit;
        if (!backend.IsValueCreated || limit == TimeSpan.Zero || hurry.IsCancellationRequested)
        {
            return;
        }

        // WebSockets and event streams end when the app hears of the stop. Its callbacks may block; connections continue.
        var told = Task.Run(lifetime.StopApplication, CancellationToken.None);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(hurry);
        var ended = EndOwnListenersAsync(told, over.Token);
        if (!await EndAllAsync(ended, hurry))
        {
            await over.CancelAsync();
            await CutOffAsync(hurry);
        }

        await ended;
        await told.WaitAsync(hurry).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // Many apps in Kubernetes sleep in such a callback to keep serving until the load balancers have noticed. So listeners
    // without siblings stay open until the callbacks have returned.
    private async Task EndOwnListenersAsync(Task told, CancellationToken over)
    {
        await told.WaitAsync(over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (backend.Value.Connections() is { Count: > 0 } connections)
        {
            Log.Draining(_logger, connections.Count, drain.Limit.TotalMilliseconds);
        }

        await Task.WhenAll(factories.OfType<GreenTransportFactory>().Select(factory => factory.EndOwnListenersAsync(cause.Lingers)));
    }

    /// <summary>True if all connections have ended within the limit, and no more can come.</summary>
    private async Task<bool> EndAllAsync(Task listenersEnded, CancellationToken hurry)
    {
        var start = _time.GetTimestamp();
        var plan = new DrainPlan(_time, drain.Limit, cause.Lingers);
        var pause = cause.Lingers ? DrainPlan.Tick : TimeSpan.FromMilliseconds(1);

        var leftBehind = new LeftBehind(backend.Value.Connections, _time, Collect);
        while (AnyIsOpen(listenersEnded))
        {
            // Asked each time: the supervisor may shorten the limit of a drain under way.
            if (_time.GetElapsedTime(start) >= drain.Limit || hurry.IsCancellationRequested)
            {
                return false;
            }

            EndIdle(plan);
            leftBehind.Look();
            await Task.Delay(pause, _time, hurry).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause < DrainPlan.Tick ? pause + TimeSpan.FromMilliseconds(1) : DrainPlan.Tick;
        }

        return true;
    }

    // A connection accepted just when the listeners were left shows as a slot before it shows as a connection.
    private bool AnyIsOpen(Task listenersEnded) =>
        backend.Value.Connections().Count > 0 || !listenersEnded.IsCompleted || state.Pools.Any(static pool => pool.IsInUse);

    // A separate method: the drain must not reference any connection while it waits, or abandoned ones are not collected.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EndIdle(DrainPlan plan)
    {
        var idle = new List<Idle>();
        foreach (var connection in backend.Value.Connections())
        {
            if (IsRaw(connection))
            {
                Tell(connection);
            }
            else if (!connection.Activity.IsBusy)
            {
                idle.Add(new Idle(connection, connection.Activity.QuietSince));
            }
            else if (connection.Activity.IsMultiplexed)
            {
                connection.Activity.RequestClose();
            }
        }

        foreach (var (connection, quietSince) in plan.Choose(idle, QuietSince, LongestRest))
        {
            if (connection.Activity.IsMultiplexed)
            {
                connection.Activity.RequestClose();
            }
            else
            {
                connection.TryEndIdle(quietSince);
            }
        }
    }

    // If clients get no time, a connection that is still on its way to HTTP gets none either.
    private bool IsRaw(IServedConnection connection) =>
        state.MarksHttp
        && !connection.Activity.ReachesHttp
        && (!cause.Lingers || RawConnection.Is(connection, _time.GetElapsedTime(connection.Activity.IdleSince)));

    // Its handler is told once, and ends it when it likes: what it still sends is not cut off before the limit.
    private void Tell(IServedConnection connection)
    {
        var observed = _observed.GetValue(connection, static _ => new Observed());
        observed.IsTold = observed.IsTold || RawConnection.TryTell(connection, _logger);
    }

    // Sending to a slow client counts as activity, too.
    private long QuietSince(Idle idle)
    {
        if (idle.Connection.HasUnsent)
        {
            _observed.GetValue(idle.Connection, static _ => new Observed()).UnsentAt = _time.GetTimestamp();
        }

        return _observed.TryGetValue(idle.Connection, out var observed) ? Math.Max(idle.QuietSince, observed.UnsentAt) : idle.QuietSince;
    }

    // Once part of a request has come, treat the client like one without any request yet: it is asking right now.
    private static TimeSpan? LongestRest(Idle idle) => idle.Connection.Activity is { HasPartOfRequest: false } activity ? activity.LongestRest : null;

    private async Task CutOffAsync(CancellationToken hurry)
    {
        var limit = drain.Limit;
        var leaveLimit = limit == TimeSpan.Zero ? limit : LeaveLimit;
        var rest = backend.Value.Connections();
        string[] paths = [.. rest.SelectMany(static connection => connection.Activity.Paths())];
        Log.CutOff(_logger, limit.TotalMilliseconds, rest.Count, paths.Length, SummaryOf(paths));

        // A WebSocket whose app still reads learns that it is over, and can close in order.
        var start = _time.GetTimestamp();
        foreach (var connection in rest)
        {
            connection.EndReading();
        }

        while (backend.Value.Connections().Count != 0 && _time.GetElapsedTime(start) < leaveLimit && !hurry.IsCancellationRequested)
        {
            await Task.Delay(DrainPlan.Tick, _time, hurry).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        foreach (var connection in backend.Value.Connections())
        {
            connection.CutOff();
        }
    }

    private static string SummaryOf(string[] paths)
    {
        const int MostNamed = 10;
        var named = paths.CountBy(static path => path).OrderByDescending(static path => path.Value).ToList();
        return string.Join(", ", named.Take(MostNamed).Select(static path => path.Value == 1 ? path.Key : $"{path.Key} ({path.Value} times)"))
            + (named.Count > MostNamed ? $" and {named.Count - MostNamed} other paths" : "");
    }

    private readonly record struct Idle(IServedConnection Connection, long QuietSince);

    private sealed class Observed
    {
        /// <summary>When it was last seen with unsent bytes.</summary>
        public long UnsentAt { get; set; } = long.MinValue;

        public bool IsTold { get; set; }
    }
}
