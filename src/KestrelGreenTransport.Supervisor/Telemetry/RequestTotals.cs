using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Telemetry;

/// <summary>
/// Requests answered, by worker index and in all. What a process answered stays counted when it is gone, so that a total
/// never falls. Written by the supervisor's thread, read by others; neither waits for more than the other's copying.
/// </summary>
internal sealed class RequestTotals
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, Seat> _seats = [];

    /// <summary>Takes what a process says of its whole life so far.</summary>
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
