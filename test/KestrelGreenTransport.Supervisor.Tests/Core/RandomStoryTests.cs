using FsCheck;
using FsCheck.Fluent;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class RandomStoryTests
{
    private const int Stories = 1500;

    [Fact]
    public void Whatever_happens_the_invariants_hold_and_all_is_well_once_nothing_fails_any_more()
    {
        var seen = new Dictionary<string, int>();
        var property = Prop.ForAll(Move.Stories, story =>
        {
            foreach (var (what, times) in Play(story))
            {
                seen[what] = seen.GetValueOrDefault(what) + times;
            }
        });

        // On failure FsCheck prints the seed, the shortest story it found, and the log of that story.
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(Stories), property);

        // Stories that never get anywhere would prove nothing.
        string[] everything =
        [
            "SpawnWorker", "DrainWorker", "AbortWorker", "KillWorker", "Leave 0", "Leave 3", "Leave 4",
            "WorkerReadyNotice", "WorkerDiedNotice", "WorkerLeftNotice", "WorkerStaleNotice", "WorkerBootTimeoutNotice", "WorkerKilledNotice",
            "WorkerLeavingNotice", "WorkerFailedToStartNotice", "SpawnFailedNotice", "SupervisorPausedNotice", "ScalingNotice", "StoppingNotice",
            "BootFailureNotice", "AppNotStartableNotice", "OpenWorker", "WarmWorker", "TellSiblings", "Prepare", "CancelPreparation",
            "WorkerTakesOverNotice", "WarmUpFailedNotice", "WarmUpCutShortNotice", "WorkerDueNotice", "DrainedNotice", "ReloadingNotice", "ReloadedNotice",
            "BeginUpgrade", "ReloadRequested Succeeded", "ReloadRequested Failed", "ReloadRequested Superseded", "RestartRequested Succeeded", "RestartRequested Failed",
            "RestartRequested Superseded", "RestartRequested Refused", "ScaleRequested Succeeded", "ScaleRequested Failed", "ScaleRequested Superseded", "DrainRequested Succeeded",
            "DrainRequested Failed", "DrainRequested Refused", "DrainAllRequested Succeeded", "DrainAllRequested Superseded", "UpgradeRequested Succeeded", "UpgradeRequested Failed",
            "ReloadFailedNotice", "RollbackFailedNotice", "AppointLeader", "LeaderNotice", "SlowRequestNotice",
            .. Enum.GetNames<Verdict>().Select(static verdict => $"AbortWorker for {verdict}"),
        ];
        Assert.Empty(everything.Except(seen.Keys));
    }

    private static Dictionary<string, int> Play(Move[] story)
    {
        var world = new World(workers: 1 + (story.Length % 4), seed: story.Sum(static move => move.A));
        try
        {
            // What happens to a house in order, to a reload half-way and to one that never got up is rare in stories that begin from nothing.
            switch (story.Length % 4)
            {
                case 0:
                    world.SettleDown();
                    break;
                case 2:
                    world.SettleDown();
                    world.ReloadHalfway();
                    break;
                case 1:
                    world.FailToBoot();
                    break;
            }

            foreach (var move in story)
            {
                world.Make(move);
            }

            world.SettleDown();
        }
        catch (Exception broken)
        {
            throw new InvalidOperationException($"{broken.Message}\n{world.Log}", broken);
        }

        return world.Referee.Seen;
    }
}
