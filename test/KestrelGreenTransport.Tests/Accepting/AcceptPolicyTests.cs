using FsCheck;
using FsCheck.Fluent;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Tests.Accepting;

public class AcceptPolicyTests
{
    private static readonly TimeSpan Min = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Max = TimeSpan.FromSeconds(1);

    private static readonly int[] Passing =
        [Errno.ECONNABORTED, Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM, Errno.EPERM, Errno.EPROTO, Errno.ECONNRESET];

    private static readonly int[] Fatal = [Errno.EBADF, Errno.EINVAL, Errno.ENOTSOCK];

    [Fact]
    public void Pauses_double_from_the_shortest_to_the_longest_and_a_success_resets_them()
    {
        var policy = new AcceptPolicy(Min, Max);
        int[] expected = [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000];
        Assert.Equal(expected, expected.Select(_ => (int)policy.OnError(Errno.EMFILE).Delay.TotalMilliseconds));
        Assert.Equal(expected.Length, policy.OnSuccess());
        Assert.Equal(Min, policy.OnError(Errno.EMFILE).Delay);
    }

    [Fact]
    public void Exhaustion_costs_less_than_five_accepts_a_second_on_average()
    {
        var policy = new AcceptPolicy(Min, Max);
        var elapsed = TimeSpan.Zero;
        var attempts = 0;
        while (elapsed < TimeSpan.FromSeconds(10))
        {
            elapsed += policy.OnError(Errno.EMFILE).Delay;
            attempts++;
        }

        Assert.InRange(attempts, 1, 49);
    }

    [Fact]
    public void A_run_of_failures_is_news_once_and_again_when_its_kind_changes()
    {
        var policy = new AcceptPolicy(Min, Max);
        int[] errors = [Errno.EMFILE, Errno.EMFILE, Errno.ENFILE, Errno.ENFILE];
        Assert.Equal([true, false, true, false], errors.Select(errno => policy.OnError(errno).IsNews));
        policy.OnSuccess();
        Assert.True(policy.OnError(Errno.ENFILE).IsNews);
    }

    [Theory]
    [InlineData(Errno.EAGAIN)]
    [InlineData(Errno.EINTR)]
    public void An_empty_queue_is_no_failure(int errno)
    {
        var policy = new AcceptPolicy(Min, Max);
        Assert.Equal(new AcceptVerdict(AcceptAction.Retry, TimeSpan.Zero, IsNews: false), policy.OnError(errno));
        Assert.Equal(0, policy.OnSuccess());
    }

    [Fact]
    public void Only_what_can_never_be_a_listener_again_ends_it() =>
        Prop.ForAll(ErrnoGen().ToArbitrary(), errno =>
        {
            var action = new AcceptPolicy(Min, Max).OnError(errno).Action;
            return (action == AcceptAction.End) == Fatal.Contains(errno);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_story_of_successes_and_failures_makes_a_pause_leave_its_range_or_shrink_within_a_run() =>
        Prop.ForAll(StoryGen().ToArbitrary(), story =>
        {
            var policy = new AcceptPolicy(Min, Max);
            var last = TimeSpan.Zero;
            var run = 0;
            foreach (var errno in story)
            {
                if (errno == 0)
                {
                    Assert.Equal(run, policy.OnSuccess());
                    (last, run) = (TimeSpan.Zero, 0);
                    continue;
                }

                var verdict = policy.OnError(errno);
                if (verdict.Action == AcceptAction.Pause)
                {
                    run++;
                    Assert.InRange(verdict.Delay, last > Min ? last : Min, Max);
                    Assert.True(run > 1 || verdict.Delay == Min);
                    last = verdict.Delay;
                }
            }
        }).QuickCheckThrowOnFailure();

    private static Gen<int> ErrnoGen() => Gen.OneOf(Gen.Choose(1, 133), Gen.Elements(Passing), Gen.Elements(Fatal));

    private static Gen<int[]> StoryGen() => Gen.ArrayOf(Gen.OneOf(Gen.Constant(0), Gen.Elements(Passing), Gen.Elements(Errno.EAGAIN, Errno.EINTR)));
}
