using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;

namespace KestrelGreenTransport.Tests.Records;

public class WorkerPaceTests
{
    [Fact]
    public void The_last_seconds_count_and_too_few_requests_tell_nothing()
    {
        var pace = new WorkerPace();
        pace.Add(At(0, cpuMs: 300, requests: 0, methods: 3000));
        Assert.Equal((null, null), (pace.CpuPerRequest, pace.MethodsPerSecond));
        pace.Add(At(1, cpuMs: 310, requests: 49, methods: 3500));
        Assert.Equal((null, 500), (pace.CpuPerRequest, pace.MethodsPerSecond));
        pace.Add(At(2, cpuMs: 400, requests: 1000, methods: 3500));
        Assert.Equal((100_000, 250), (pace.CpuPerRequest, pace.MethodsPerSecond));
        pace.Add(At(4, cpuMs: 420, requests: 2000, methods: 3500));
        Assert.Equal((20_000, 0), (pace.CpuPerRequest, pace.MethodsPerSecond));

        // Without new requests the last figures stay.
        pace.Add(At(9, cpuMs: 420, requests: 2001, methods: 3500));
        Assert.Equal(20_000, pace.CpuPerRequest);
    }

    [Fact]
    public void Looks_that_follow_at_once_are_one()
    {
        var pace = new WorkerPace();
        pace.Add(At(0, 0, 0, 0));
        pace.Add(At(0.1, 50, 100, 0));
        Assert.Null(pace.CpuPerRequest);
    }

    [Fact]
    public void Another_process_begins_anew_and_a_long_life_counts_until_more_is_known()
    {
        var pace = new WorkerPace(knowsLife: true);
        pace.Add(At(0, cpuMs: 1000, requests: 10_000, methods: 0));
        Assert.Equal(100_000, pace.CpuPerRequest);
        pace.Add(At(1, cpuMs: 500, requests: WorkerPace.ManyRequests - 1, methods: 0) with { Pid = 2 });
        Assert.Null(pace.CpuPerRequest);
    }

    [Fact]
    public void Hot_is_one_that_needs_hardly_more_than_its_siblings()
    {
        Assert.True(WorkerPace.IsHot(With(20), [With(20), With(18), With(200)]));
        Assert.False(WorkerPace.IsHot(With(30), [With(20), With(18), With(200)]));
        Assert.Null(WorkerPace.IsHot(new WorkerPace(), [With(20)]));

        // A worker without siblings is hot when it compiles hardly anything.
        Assert.True(WorkerPace.IsHot(With(30, methods: 10), [new WorkerPace()]));
        Assert.False(WorkerPace.IsHot(With(30, methods: 100), []));
    }

    private static WorkerPace With(int microseconds, int methods = 0)
    {
        var pace = new WorkerPace();
        pace.Add(At(0, 0, 0, 0));
        pace.Add(At(1, microseconds, 1000, methods));
        return pace;
    }

    private static BoardRecord At(double seconds, long cpuMs, long requests, long methods) => new()
    {
        WrittenAt = 1 + (long)(seconds * 1e9),
        Pid = 1,
        CpuNanoseconds = cpuMs * 1_000_000,
        Requests = requests,
        CompiledMethods = methods,
    };
}
