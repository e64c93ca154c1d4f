using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Worker;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Worker;

public class FullBeatTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly TransportState _transport = new();
    private readonly FakeThreadPool _pool = new();
    private readonly FullBeat _beat;
    private int _wakes;

    public FullBeatTests() => _beat = new FullBeat(_transport, _time, () => _wakes++, _pool.Queue);

    [Fact]
    public void A_beat_is_over_when_every_loop_and_the_thread_pool_have_passed()
    {
        var loops = (First: Add(new FakeLoop()), Second: Add(new FakeLoop()));
        _pool.Runs = false;
        _beat.Begin();
        Assert.False(_beat.TryFinish(out _));

        Advance();
        loops.First.Answer();
        Assert.False(_beat.TryFinish(out _));
        _pool.RunAll();
        Assert.False(_beat.TryFinish(out _));
        Assert.Equal(0, _wakes);

        var last = Advance();
        loops.Second.Answer();
        Assert.Equal(1, _wakes);
        Advance();
        Assert.True(_beat.TryFinish(out var at));
        Assert.Equal(last, at);
        Assert.False(_beat.TryFinish(out _));
    }

    [Fact]
    public void Without_loops_the_thread_pool_alone_makes_a_beat()
    {
        _beat.Begin();
        Assert.True(_beat.TryFinish(out _));
        Assert.Equal(0, _beat.LoopPassAt);
    }

    [Fact]
    public void A_loop_that_never_answers_holds_the_beat_up_for_good()
    {
        var runs = Add(new FakeLoop { Runs = true });
        var stuck = Add(new FakeLoop());
        var stuckSince = _time.Nanoseconds();
        for (var i = 0; i < 10; i++)
        {
            _beat.Begin();
            Assert.False(_beat.TryFinish(out _));
            Advance();
        }

        // The stuck loop is probed only once. The others keep answering, so that the board shows which one is stuck.
        Assert.Equal(1, stuck.Questions);
        Assert.Equal(10, runs.Questions);
        Assert.Equal(stuckSince, _beat.LoopPassAt);
        Assert.True(_beat.ThreadPoolPassAt > stuckSince);

        stuck.Answer();
        Assert.True(_beat.TryFinish(out var at));
        Assert.Equal(_time.Nanoseconds(), at);
    }

    [Fact]
    public void A_starved_thread_pool_holds_the_beat_up_while_loops_go_on()
    {
        Add(new FakeLoop { Runs = true });
        _pool.Runs = false;
        var starvedSince = _time.Nanoseconds();
        for (var i = 0; i < 10; i++)
        {
            _beat.Begin();
            Assert.False(_beat.TryFinish(out _));
            Advance();
        }

        Assert.Equal(starvedSince, _beat.ThreadPoolPassAt);
        Assert.True(_beat.LoopPassAt > starvedSince);

        _pool.RunAll();
        Assert.True(_beat.TryFinish(out _));
    }

    [Fact]
    public void A_loop_that_ended_holds_nothing_up()
    {
        var gone = Add(new FakeLoop());
        _beat.Begin();
        Assert.False(_beat.TryFinish(out _));
        _transport.Remove(gone);
        Assert.True(_beat.TryFinish(out _));

        // Its late answer must not count for a beat that did not ask it.
        _wakes = 0;
        gone.Answer();
        Assert.Equal(0, _wakes);
        _beat.Begin();
        Assert.Equal(1, _wakes);
        Assert.True(_beat.TryFinish(out _));
    }

    [Fact]
    public void A_loop_that_was_added_belongs_to_the_next_beat()
    {
        var first = Add(new FakeLoop());
        _beat.Begin();
        var late = Add(new FakeLoop());
        first.Answer();
        Assert.True(_beat.TryFinish(out _));

        first.Runs = true;
        _beat.Begin();
        Assert.False(_beat.TryFinish(out _));
        late.Answer();
        Assert.True(_beat.TryFinish(out _));
    }

    [Fact]
    public void An_answer_given_twice_counts_once()
    {
        Action? passed = null;
        _transport.Add(new DelegateProbe(action => passed = action));
        var stuck = Add(new FakeLoop());
        _beat.Begin();
        passed!();
        passed();
        Assert.Equal(0, _wakes);
        Assert.False(_beat.TryFinish(out _));
        stuck.Answer();
        Assert.Equal(1, _wakes);
        Assert.True(_beat.TryFinish(out _));
    }

    [Fact]
    public async Task Answers_from_many_threads_wake_for_every_beat()
    {
        using var wake = new AutoResetEvent(false);
        var transport = new TransportState();
        for (var i = 0; i < 8; i++)
        {
            transport.Add(new DelegateProbe(passed => ThreadPool.QueueUserWorkItem(_ => passed())));
        }

        var beat = new FullBeat(transport, TimeProvider.System, () => wake.Set());
        await Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < 500; i++)
                {
                    beat.Begin();
                    while (!beat.TryFinish(out _))
                    {
                        Assert.True(wake.WaitOne(Wait.Limit));
                    }
                }
            },
            TaskCreationOptions.LongRunning);
    }

    private FakeLoop Add(FakeLoop loop)
    {
        _transport.Add(loop);
        return loop;
    }

    private long Advance()
    {
        _time.Advance(TimeSpan.FromMilliseconds(100));
        return _time.Nanoseconds();
    }

    private sealed class DelegateProbe(Action<Action> pass) : ILoopProbe
    {
        public void Pass(Action passed) => pass(passed);
    }
}
