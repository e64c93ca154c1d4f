using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Runtime;

namespace KestrelGreenTransport.Supervisor.Tests.Runtime;

public class RehearsalTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_rehearsed_is_a_standby_that_takes_the_place_of_a_killed_worker(bool warmsUp)
    {
        var settings = new ArbiterSettings
        {
            Timeout = TimeSpan.FromSeconds(30),
            BootTimeout = TimeSpan.FromSeconds(30),
            GracefulTimeout = TimeSpan.FromSeconds(30),
            WarmUp = warmsUp ? new WarmUpPlan([], TimeSpan.FromSeconds(1), true) : null,
            PreparesStart = true,
        };

        var state = Rehearsal.PlayDeath(new SupervisorState { Target = 4, Random = 1, Settings = settings });

        Assert.Equal([(1, WorkerPhase.Booting), (2, WorkerPhase.Serving)], state.Workers.Values.Select(static worker => (worker.Index, worker.Phase)));
        Assert.Equal(ExitReason.Crash, state.Workers[1].LastExit?.Reason);
    }
}
