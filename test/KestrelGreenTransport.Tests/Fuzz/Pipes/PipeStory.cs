namespace KestrelGreenTransport.Tests.Fuzz.Pipes;

/// <summary>A sequence of steps of an app and its client, each allowed at its place.</summary>
internal sealed class PipeStory(IReadOnlyList<PipeStep> steps)
{
    private static readonly PipeAction[] Actions = Enum.GetValues<PipeAction>();
    private static readonly int Nonsenses = Enum.GetValues<PipeNonsense>().Length;

    // These end a story, or nearly, so they should come late.
    private static readonly PipeAction[] Late =
    [
        PipeAction.HalfClose, PipeAction.Reset, PipeAction.ReadUntilHalfClosed, PipeAction.ReadUntilReset, PipeAction.ReadUntilAborted,
        PipeAction.ReadUntilOutputCompleted, PipeAction.ReadAndEnd, PipeAction.CompleteInput, PipeAction.CompleteOutput, PipeAction.Abort,
    ];

    public IReadOnlyList<PipeStep> Steps => steps;

    public static PipeStory Of(int seed)
    {
        var random = new Random(seed);
        var model = new PipeModel();
        var steps = new List<PipeStep>();
        var length = random.Next(5, 60);
        for (var tries = 0; steps.Count < length && tries < 5000; tries++)
        {
            var step = Any(random);
            if (Array.IndexOf(Late, step.What) >= 0 && random.Next(length) > steps.Count / 2)
            {
                continue;
            }

            if (model.Allows(step))
            {
                model.Apply(step);
                steps.Add(step);
            }
        }

        // Usually everything was read in the end; otherwise the client may or may not see a reset.
        if (random.Next(10) != 0)
        {
            foreach (var what in (PipeAction[])[PipeAction.Advance, PipeAction.ReadCancelled, PipeAction.ReadAll])
            {
                var step = new PipeStep(what, 1000, 1000);
                if (model.Observed < model.Sent && model.Allows(step))
                {
                    model.Apply(step);
                    steps.Add(step);
                }
            }
        }

        return new PipeStory(steps);
    }

    /// <summary>This story without some of its steps, or null if the remaining ones would not be allowed.</summary>
    public PipeStory? Without(int first, int count)
    {
        var left = steps.Where((_, i) => i < first || i >= first + count).ToArray();
        var model = new PipeModel();
        foreach (var step in left)
        {
            if (!model.Allows(step))
            {
                return null;
            }

            model.Apply(step);
        }

        return new PipeStory(left);
    }

    public override string ToString() => string.Join('\n', steps.Select(static (step, i) =>
        $"{i,3} {step.What} {(step.What == PipeAction.Nonsense ? ((PipeNonsense)step.A).ToString() : step.A)} {step.B}"));

    private static PipeStep Any(Random random)
    {
        var what = Actions[random.Next(Actions.Length)];
        return what switch
        {
            // ReadUntilSent: no more than arrives in one piece.
            PipeAction.Send => new(what, random.Next(4) == 0 ? random.Next(1, 30_000) : random.Next(1, 200), 0),
            PipeAction.ReadUntilSent => new(what, random.Next(1, 500), 0),
            PipeAction.Write => new(what, random.Next(4) == 0 ? random.Next(0, 15_000) : random.Next(0, 200), random.Next(3) == 0 ? random.Next(0, 20_000) : 0),
            PipeAction.FlushMuch or PipeAction.FlushMuchUntilCancelled or PipeAction.FlushMuchUntilToken => new(what, random.Next(250_000, 400_000), 0),
            PipeAction.Nonsense => new(what, random.Next(Nonsenses), 0),
            PipeAction.CompleteInput or PipeAction.CompleteOutput or PipeAction.Abort or PipeAction.ReadUntilAborted or PipeAction.ReadCancelled => new(what, random.Next(2), 0),
            PipeAction.Block => new(what, random.Next(0, 4), 0),
            _ => new(what, Part(random), Part(random)),
        };
    }

    private static int Part(Random random) => random.Next(3) switch { 0 => 1000, 1 => 0, _ => random.Next(1001) };
}
