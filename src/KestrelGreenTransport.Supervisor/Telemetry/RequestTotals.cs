using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Telemetry;

/// <summary>
/// Requests answered, by worker index. What a process answered stays counted after it has ended, so a total
/// never falls. Written by the supervisor's thread, read by others; each waits at most while the other copies.
/// </summary>
internal sealed class RequestTotals
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, Seat> _seats = [];

    /// <summary>Takes a process's figures, which cover its whole life so far.</summary>
    public void Take(int index, int pid, RequestStats stats)
    {
        lock (_gate)
        {
            var seat = _seats.GetValueOrDefault(index, new Seat(0, RequestStats.None, RequestStats.None));
            _seats[index] = seat.Pid == pid || seat.Pid == 0
                ? seat with { Pid = pid, Living = stats }
                : new Seat(pid, seat.Retired + seat.Living, stats);
        }
    }

    /// <summary>By worker index, in order.</summary>
    public IReadOnlyList<KeyValuePair<int, RequestStats>> Read()
    {
        lock (_gate)
        {
            return [.. _seats.Select(static seat => KeyValuePair.Create(seat.Key, seat.Value.Retired + seat.Value.Living))];
        }
    }

    private sealed record Seat(int Pid, RequestStats Retired, RequestStats Living);
}
