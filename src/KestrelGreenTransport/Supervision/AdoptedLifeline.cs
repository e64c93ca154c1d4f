namespace KestrelGreenTransport.Supervision;

/// <summary>The result of taking over the descriptor in GREEN_CONTROL_FD.</summary>
/// <param name="Socket">The lifeline; null without one.</param>
/// <param name="Problem">Why the descriptor is not a lifeline; null if it is one, or if none was given.</param>
internal sealed record AdoptedLifeline(LifelineSocket? Socket, string? Problem)
{
    public static AdoptedLifeline From(int? descriptor) => descriptor is { } number
        ? LifelineSocket.TryAdopt(number, out var socket, out var problem) ? new(socket, null) : new(null, problem)
        : new(null, null);
}
