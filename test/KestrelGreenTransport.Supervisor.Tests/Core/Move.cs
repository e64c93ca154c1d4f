using FsCheck;
using FsCheck.Fluent;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

/// <summary>One event in a random story. Its numbers choose among what exists, so that every move fits every world.</summary>
internal readonly record struct Move(MoveKind Kind, int A, int B)
{
    /// <summary>Stories of up to a hundred moves. Moves that end a supervisor are rare, so that most stories continue.</summary>
    public static Arbitrary<Move[]> Stories { get; } = Arb.From(Sequences(), Shorter);

    private static Gen<Move[]> Sequences()
    {
        var kinds = Gen.Frequency(
            (30, Gen.Constant(MoveKind.TimePasses)),
            (20, Gen.Constant(MoveKind.SpawnSucceeds)),
            (16, Gen.Constant(MoveKind.BecomesReady)),
            (16, Gen.Constant(MoveKind.BootsOne)),
            (4, Gen.Constant(MoveKind.SpawnFails)),
            (4, Gen.Constant(MoveKind.SaysHello)),
            (8, Gen.Constant(MoveKind.Hangs)),
            (3, Gen.Constant(MoveKind.Recovers)),
            (2, Gen.Constant(MoveKind.SticksInTheKernel)),
            (8, Gen.Constant(MoveKind.Exits)),
            (4, Gen.Constant(MoveKind.DiesBySignal)),
            (2, Gen.Constant(MoveKind.LeavesByItself)),
            (4, Gen.Constant(MoveKind.AbortFinishes)),
            (3, Gen.Constant(MoveKind.SupervisorSleeps)),
            (4, Gen.Constant(MoveKind.Scale)),
            (2, Gen.Constant(MoveKind.ScaleBy)),
            (6, Gen.Constant(MoveKind.Reload)),
            (12, Gen.Constant(MoveKind.PreparationEnds)),
            (10, Gen.Constant(MoveKind.WarmUpEnds)),
            (4, Gen.Constant(MoveKind.Restart)),
            (4, Gen.Constant(MoveKind.Measured)),
            (3, Gen.Constant(MoveKind.DrainOne)),
            (1, Gen.Constant(MoveKind.DrainAll)),
            (2, Gen.Constant(MoveKind.Upgrade)),
            (2, Gen.Constant(MoveKind.UpgradeEnds)),
            (1, Gen.Constant(MoveKind.Stop)),
            (1, Gen.Constant(MoveKind.FailsToStart)),
            (1, Gen.Constant(MoveKind.ListensByItself)),
            (2, Gen.Constant(MoveKind.Excused)),
            (3, Gen.Constant(MoveKind.RequestHangs)),
            (2, Gen.Constant(MoveKind.RunsOutOfMemory)),
            (4, Gen.Constant(MoveKind.LeadIsGiven)),
            (2, Gen.Constant(MoveKind.LeaderDies)),
            (3, Gen.Constant(MoveKind.StrayFact)));
        var numbers = Gen.Choose(0, 1000);
        return kinds.SelectMany(_ => numbers, (kind, a) => (kind, a)).SelectMany(_ => numbers, (first, b) => new Move(first.kind, first.a, b)).ArrayOf();
    }

    private static IEnumerable<Move[]> Shorter(Move[] story)
    {
        for (var length = story.Length / 2; length >= 1; length /= 2)
        {
            for (var start = 0; start + length <= story.Length; start += length)
            {
                yield return [.. story[..start], .. story[(start + length)..]];
            }
        }
    }
}

internal enum MoveKind
{
    TimePasses,
    SpawnSucceeds,
    SpawnFails,
    SaysHello,
    BecomesReady,
    BootsOne,
    Hangs,
    Recovers,
    SticksInTheKernel,
    Exits,
    DiesBySignal,
    LeavesByItself,
    AbortFinishes,
    SupervisorSleeps,
    Scale,
    ScaleBy,
    Reload,
    PreparationEnds,
    WarmUpEnds,
    Restart,
    Measured,
    DrainOne,
    DrainAll,
    Upgrade,
    UpgradeEnds,
    Stop,
    FailsToStart,
    ListensByItself,
    Excused,
    RequestHangs,
    RunsOutOfMemory,
    LeadIsGiven,
    LeaderDies,
    StrayFact,
}
