using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Worker;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Worker;

public class WorkerStopTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLifetime _lifetime = new();
    private readonly HostOptions _host = new();
    private readonly WorkerLife _life = new();
    private readonly RecordedExit _exit = new();
    private readonly AcceptGate _gate = new();
    private readonly Drain _drain;
    private readonly WorkerStop _stop;

    public WorkerStopTests()
    {
        var options = Options.Create(new GreenTransportOptions { GracefulTimeout = TimeSpan.FromSeconds(20) });
        _drain = new Drain(_gate, options);
        var host = new HostStop(_lifetime, Options.Create(_host), options, _drain, new StopCause());
        _stop = new WorkerStop(() => [host], _life, _exit, _time, new ListLogger());
    }

    [Fact]
    public async Task An_orphan_that_does_not_leave_is_gone_ten_seconds_after_the_graceful_timeout()
    {
        _stop.SupervisorGone();
        await Wait.ForAsync(_lifetime.Stopped);
        Assert.Equal(WorkerState.Draining, _life.State);
        Assert.Equal((TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(25)), (_drain.Limit, _host.ShutdownTimeout));
        Advance(29.9);
        Assert.Empty(_exit.Exits);
        Advance(0.1);
        Assert.Equal(1, Assert.Single(_exit.Exits).Code);
        Assert.Contains("supervisor is gone", _exit.Exits.First().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_quick_stop_overtakes_a_graceful_one_and_not_the_other_way_round()
    {
        _stop.Drain(60_000);
        Advance(1);
        _stop.Drain(0);
        Assert.Equal(TimeSpan.Zero, _host.ShutdownTimeout);
        _stop.Drain(60_000);
        _stop.SupervisorGone();
        Advance(1);
        Assert.Equal(0, Assert.Single(_exit.Exits).Code);
    }

    [Theory]
    [InlineData(null, 20)]
    [InlineData(5_000L, 5)]
    [InlineData(-1L, 0)]
    [InlineData(long.MinValue, 0)]
    [InlineData(long.MaxValue, 86_400)]
    public void Whatever_deadline_is_sent_the_host_gets_a_sane_one(long? milliseconds, int seconds)
    {
        _stop.Drain(milliseconds);
        Assert.Equal(TimeSpan.FromSeconds(seconds), _drain.Limit);

        // What follows the drain needs a little longer; a quick stop gets no such extra time.
        Assert.Equal(TimeSpan.FromSeconds(seconds == 0 ? 0 : seconds + 5), _host.ShutdownTimeout);
    }

    [Theory]
    [InlineData(60_000, 3, 3)]
    [InlineData(2_000, 2, 7)]
    [InlineData(0, 0, 0)]
    public void A_shorter_shutdown_timeout_of_the_app_is_kept(long milliseconds, int limit, int host)
    {
        var options = new GreenTransportOptions();
        options.FollowHost(TimeSpan.FromSeconds(3));
        _host.ShutdownTimeout = TimeSpan.FromSeconds(3);
        var drain = new Drain(_gate, Options.Create(options));
        var stop = new HostStop(_lifetime, Options.Create(_host), Options.Create(options), drain, new StopCause());
        stop.Begin(TimeSpan.FromMilliseconds(milliseconds));
        Assert.Equal((TimeSpan.FromSeconds(limit), TimeSpan.FromSeconds(host)), (drain.Limit, _host.ShutdownTimeout));
    }

    [Fact]
    public async Task Who_is_told_to_leave_accepts_no_more_before_the_app_hears_of_it()
    {
        var listener = new SharedListener();
        _gate.Enter(listener);
        Assert.True(listener.IsOpen);
        _stop.Drain(60_000);
        Assert.False(listener.IsOpen);
        Assert.True(_drain.HasBegun);
        await Wait.ForAsync(_lifetime.Stopped);
    }

    [Fact]
    public void Nobody_is_forced_out_who_was_not_asked_to_leave()
    {
        Advance(1_000_000);
        Assert.Empty(_exit.Exits);
    }

    private void Advance(double seconds)
    {
        _time.Advance(TimeSpan.FromSeconds(seconds));
        _stop.ForceIfDue(_time.Nanoseconds());
    }

    private sealed class SharedListener : IGated
    {
        public bool IsShared => true;

        public bool IsOpen { get; private set; }

        public void Open() => IsOpen = true;

        public void Close() => IsOpen = false;
    }

    private sealed class FakeLifetime : IHostApplicationLifetime
    {
        private readonly TaskCompletionSource<bool> _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopping => default;

        public CancellationToken ApplicationStopped => default;

        public Task<bool> Stopped => _stopped.Task;

        public void StopApplication() => _stopped.TrySetResult(true);
    }
}
