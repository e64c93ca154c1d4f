using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Tests.Workers;

public class OutOfMemoryWatchTests
{
    private long? _kills = 7;

    [Fact]
    public void Each_kill_of_the_kernels_explains_one_death()
    {
        var watch = new OutOfMemoryWatch(() => _kills);
        Assert.False(watch.Explains());
        _kills = 9;
        Assert.Equal([true, true, false], [watch.Explains(), watch.Explains(), watch.Explains()]);
    }

    [Fact]
    public void A_kill_that_explained_no_death_in_time_was_of_somebody_else()
    {
        var watch = new OutOfMemoryWatch(() => _kills);
        _kills = 8;
        watch.Forget();
        watch.Forget();
        Assert.False(watch.Explains());
        _kills = 9;
        watch.Forget();
        Assert.True(watch.Explains());
    }

    [Fact]
    public void Where_nothing_counts_nothing_is_explained()
    {
        var watch = new OutOfMemoryWatch(() => _kills);
        _kills = null;
        Assert.False(watch.Explains());
    }

    [Theory]
    [InlineData("0::/app/web", "/sys/fs/cgroup/app/web/memory.events")]
    [InlineData("0::/../host/path", "/sys/fs/cgroup/memory.events")]
    [InlineData("9:cpu:/x\n4:memory:/box", "/sys/fs/cgroup/memory/box/memory.oom_control")]
    [InlineData("4:memory:/box\n0::/", "/sys/fs/cgroup/memory/box/memory.oom_control")]
    [InlineData("0::/none", null)]
    public void The_count_is_found_in_both_versions_of_control_groups(string groups, string? file)
    {
        string[] there = ["/sys/fs/cgroup/app/web/memory.events", "/sys/fs/cgroup/memory/box/memory.oom_control", .. file is null ? [] : new[] { file }];
        Assert.Equal(file, OutOfMemoryWatch.CounterFile(groups.Split('\n'), there.Contains));
    }

    [Fact]
    public void The_count_is_read_out_of_what_the_kernel_writes()
    {
        Assert.Equal(3, OutOfMemoryWatch.KillsIn("low 0\nhigh 0\nmax 12\noom 4\noom_kill 3\noom_group_kill 0\n"));
        Assert.Equal(5, OutOfMemoryWatch.KillsIn("oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"));
        Assert.Null(OutOfMemoryWatch.KillsIn("oom_kill_disable 0\n"));
        Assert.Null(OutOfMemoryWatch.KillsIn(null));
    }
}
