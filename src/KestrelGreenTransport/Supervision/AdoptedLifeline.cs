namespace KestrelGreenTransport.Supervision;

/// <summary>What became of the descriptor in GREEN_CONTROL_FD.</summary>
/// <param name="Socket">The lifeline; null without one.</param>
/// <param name="Problem">Why the descriptor is none; null when it is one, or when none was given.</param>
internal sealed record AdoptedLifeline(LifelineSocket? Socket, string? Problem)
{
    public static AdoptedLifeline From(int? descriptor) => descriptor is { } number
        ? LifelineSocket.TryAdopt(number, out var socket, out var problem) ? new(socket, null) : new(null, problem)
        : new(null, null);
}
