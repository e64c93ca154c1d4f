using System.Globalization;
using System.Net;

namespace LoadGenerator;

/// <summary>How a request ended: each that was begun ends in exactly one of these ways.</summary>
public enum Outcome
{
    /// <summary>The response came whole and was the right one.</summary>
    Answered,

    /// <summary>Nobody listened.</summary>
    Refused,

    /// <summary>The connection was reset, before or amid the response.</summary>
    Reset,

    /// <summary>The connection was closed in order, before or amid the response.</summary>
    Ended,

    /// <summary>The time was over.</summary>
    TimedOut,

    /// <summary>A response that is not the one to this request, or has another status than 200.</summary>
    Wrong,
}

/// <summary>One request that was not answered.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="At">When, in UTC.</param>
/// <param name="Server">The process that had answered on the same connection before; null when it was the first request.</param>
/// <param name="Client">The client's address, to be found again in a capture of the wire; null without a connection, and for HTTP/2.</param>
/// <param name="Reason">What exactly happened.</param>
public sealed record Loss(Outcome Outcome, DateTimeOffset At, int? Server, EndPoint? Client, string Reason)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{At:O} {Outcome} server={Server?.ToString(CultureInfo.InvariantCulture) ?? "new"} client={Client?.ToString() ?? "none"} {Reason.ReplaceLineEndings(" ")}");
}

/// <summary>The count of everything, at some moment.</summary>
public sealed class LoadReport
{
    private const int MostKept = 20_000;

    private readonly Lock _lock = new();
    private readonly long[] _outcomes = new long[Enum.GetValues<Outcome>().Length];
    private readonly Dictionary<int, long> _servers = [];
    private readonly List<Loss> _losses = [];
    private readonly LatencyHistogram _durations = new();
    private LatencyHistogram _recent = new();
    private long _begun;
    private long _connections;
    private TimeSpan _slowest;

    /// <summary>Requests that were begun: their connect, or their first byte.</summary>
    public long Begun => Read(ref _begun);

    public long Answered => this[Outcome.Answered];

    /// <summary>Requests that ended in any other way.</summary>
    public long Lost
    {
        get
        {
            lock (_lock)
            {
                return _outcomes.Sum() - _outcomes[(int)Outcome.Answered];
            }
        }
    }

    /// <summary>Connections that were opened.</summary>
    public long Connections => Read(ref _connections);

    /// <summary>The longest time from the begin of a request, its connect included where it needed one, to the last byte of its response.</summary>
    public TimeSpan Slowest
    {
        get
        {
            lock (_lock)
            {
                return _slowest;
            }
        }
    }

    /// <summary>The time within which so many per cent of the answers came, measured as <see cref="Slowest"/> is, exact to five per cent.</summary>
    public TimeSpan Percentile(double percent)
    {
        lock (_lock)
        {
            return _durations.Percentile(percent);
        }
    }

    /// <summary>The same, for the answers since the last call.</summary>
    public TimeSpan NextPercentile(double percent)
    {
        lock (_lock)
        {
            (var recent, _recent) = (_recent, new LatencyHistogram());
            return recent.Percentile(percent);
        }
    }

    /// <summary>The first thousand that were lost.</summary>
    public IReadOnlyList<Loss> Losses
    {
        get
        {
            lock (_lock)
            {
                return [.. _losses];
            }
        }
    }

    /// <summary>Answers by process, where requests have a body.</summary>
    public IReadOnlyDictionary<int, long> Servers
    {
        get
        {
            lock (_lock)
            {
                return new Dictionary<int, long>(_servers);
            }
        }
    }

    public long this[Outcome outcome]
    {
        get
        {
            lock (_lock)
            {
                return _outcomes[(int)outcome];
            }
        }
    }

    public void Begin()
    {
        lock (_lock)
        {
            _begun++;
        }
    }

    public void Connected()
    {
        lock (_lock)
        {
            _connections++;
        }
    }

    public void AnsweredBy(int? server, TimeSpan duration)
    {
        lock (_lock)
        {
            _outcomes[(int)Outcome.Answered]++;
            _slowest = duration > _slowest ? duration : _slowest;
            _durations.Add(duration);
            _recent.Add(duration);
            if (server is { } pid)
            {
                _servers[pid] = _servers.GetValueOrDefault(pid) + 1;
            }
        }
    }

    public void Lose(Loss loss)
    {
        lock (_lock)
        {
            _outcomes[(int)loss.Outcome]++;
            if (_losses.Count < MostKept)
            {
                _losses.Add(loss);
            }
        }
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Begun} begun, {Answered} answered, {this[Outcome.Refused]} refused, {this[Outcome.Reset]} reset, {this[Outcome.Ended]} ended, {this[Outcome.TimedOut]} timed out, {this[Outcome.Wrong]} wrong; {Connections} connections; p50 {Percentile(50).TotalMilliseconds:0.0} ms, p99 {Percentile(99).TotalMilliseconds:0.0} ms, slowest {Slowest.TotalMilliseconds:0} ms");

    private long Read(ref long count)
    {
        lock (_lock)
        {
            return count;
        }
    }
}
