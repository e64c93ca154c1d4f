using System.Diagnostics;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Telemetry;

namespace KestrelGreenTransport.Supervisor.Tests.Telemetry;

public sealed class SupervisorActivitiesTests
{
    // No other test has a worker with this index.
    private const int Place = 987;

    [Fact]
    public void A_boot_and_a_reload_are_told_with_the_time_that_they_took()
    {
        var told = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == SupervisorActivities.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (activity.GetTagItem("green.worker.index") is Place || activity.GetTagItem("green.generation") is (long)Place)
                {
                    told.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);

        SupervisorActivities.Tell(new WorkerReadyNotice(Place, 4121, TimeSpan.FromSeconds(1.5), StandsBy: false));
        SupervisorActivities.Tell(new WorkerBootTimeoutNotice(Place, 4121, TimeSpan.FromSeconds(60), null));
        SupervisorActivities.Tell(new ReloadedNotice(Place, 4, TimeSpan.FromSeconds(9)));

        Assert.Equal(["green.worker.boot", "green.worker.boot", "green.reload"], told.Select(static activity => activity.OperationName));
        Assert.Equal([1.5, 60, 9], told.Select(static activity => Math.Round(activity.Duration.TotalSeconds, 3)));
        Assert.Equal([ActivityStatusCode.Ok, ActivityStatusCode.Error, ActivityStatusCode.Ok], told.Select(static activity => activity.Status));
    }
}
