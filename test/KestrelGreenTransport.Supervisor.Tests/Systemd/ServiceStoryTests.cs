using System.Collections.Immutable;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Systemd;

namespace KestrelGreenTransport.Supervisor.Tests.Systemd;

public sealed class ServiceStoryTests
{
    private const long Second = 1_000_000_000;

    private static readonly SupervisorState Starting = new() { Settings = new ArbiterSettings(), Target = 2 };

    private static readonly SupervisorState Running = Starting with
    {
        Phase = SupervisorPhase.Running,
        EverServed = true,
        Workers = ImmutableSortedDictionary<int, WorkerHandle>.Empty
            .Add(1, new WorkerHandle { Index = 1, Generation = 1, Phase = WorkerPhase.Serving, Settings = new ArbiterSettings() })
            .Add(2, new WorkerHandle { Index = 2, Generation = 1, Phase = WorkerPhase.Serving, Settings = new ArbiterSettings() }),
    };

    [Fact]
    public void It_asks_for_patience_until_the_first_worker_serves_and_then_says_ready()
    {
        var story = new ServiceStory(watchdog: null);

        Assert.Equal(["STATUS=starting: 0 of 2 workers serving, generation 1", "EXTEND_TIMEOUT_USEC=20000000"], story.Tell(Starting, 0));
        Assert.Empty(story.Tell(Starting, 4 * Second));
        Assert.Equal(["EXTEND_TIMEOUT_USEC=20000000"], story.Tell(Starting, 5 * Second));
        Assert.Equal(["READY=1\nSTATUS=running: 2 of 2 workers serving, generation 1"], story.Tell(Running, 6 * Second));
        Assert.Empty(story.Tell(Running, 60 * Second));
    }

    [Fact]
    public void A_reload_is_told_with_its_moment_and_ends_with_ready_whatever_came_of_it()
    {
        var story = new ServiceStory(watchdog: null);
        story.Tell(Running, 0);

        Assert.Equal(
            ["RELOADING=1\nMONOTONIC_USEC=7000000\nSTATUS=reloading: 2 of 2 workers serving, generation 1", "EXTEND_TIMEOUT_USEC=20000000"],
            story.Tell(Running with { Phase = SupervisorPhase.Reloading }, 7 * Second));
        Assert.Equal(["READY=1\nSTATUS=running: 2 of 2 workers serving, generation 1"], story.Tell(Running, 8 * Second));
    }

    [Fact]
    public void A_stop_is_told_once_and_patience_is_asked_for_while_it_lasts()
    {
        var story = new ServiceStory(watchdog: null);
        story.Tell(Running, 0);
        var stopping = Running with { Phase = SupervisorPhase.Stopping, Stop = StopKind.Graceful };

        Assert.Equal(
            ["STOPPING=1\nSTATUS=stopping: 2 of 2 workers serving, generation 1", "EXTEND_TIMEOUT_USEC=20000000"], story.Tell(stopping, 9 * Second));
        Assert.Equal(["EXTEND_TIMEOUT_USEC=20000000"], story.Tell(stopping, 14 * Second));
    }

    [Fact]
    public void A_stop_during_the_start_never_says_ready()
    {
        var story = new ServiceStory(watchdog: null);
        story.Tell(Starting, 0);
        story.Tell(Starting with { Phase = SupervisorPhase.Stopping, Stop = StopKind.Quick }, 1);

        Assert.DoesNotContain(story.Tell(Running with { Stop = StopKind.Quick }, 2), static message => message.Contains("READY", StringComparison.Ordinal));
    }

    [Fact]
    public void The_watchdog_hears_from_us_twice_in_its_interval()
    {
        var story = new ServiceStory(TimeSpan.FromSeconds(10));

        Assert.Contains("WATCHDOG=1", story.Tell(Running, 0));
        Assert.DoesNotContain("WATCHDOG=1", story.Tell(Running, 4 * Second));
        Assert.Contains("WATCHDOG=1", story.Tell(Running, 5 * Second));
    }

    [Fact]
    public void A_watchdog_that_means_another_process_is_not_ours()
    {
        Assert.Equal(TimeSpan.FromSeconds(3), Watchdog("3000000", "42"));
        Assert.Equal(TimeSpan.FromSeconds(3), Watchdog("3000000", null));
        Assert.Null(Watchdog("3000000", "43"));
        Assert.Null(Watchdog("soon", null));
        Assert.Null(Watchdog(null, null));

        static TimeSpan? Watchdog(string? microseconds, string? pid) =>
            ServiceManager.Watchdog(name => name == "WATCHDOG_USEC" ? microseconds : name == "WATCHDOG_PID" ? pid : null, 42);
    }

    [Fact]
    public void What_the_manager_kept_is_told_from_what_it_bound()
    {
        var (given, kept) = StoredSockets.Split(4, $"web:{StoredSockets.NameOf("tcp://[::1]:0#2")}::{StoredSockets.NameOf("unix:/run/ä b.sock")}");

        Assert.Equal([3, 5], given);
        Assert.Equal([("tcp://[::1]:0#2", 4), ("unix:/run/ä b.sock", 6)], kept);
        Assert.Equal([3, 4], StoredSockets.Split(2, null).Given);
        Assert.DoesNotContain(':', StoredSockets.NameOf("tcp://[::1]:0#2"));
    }
}
