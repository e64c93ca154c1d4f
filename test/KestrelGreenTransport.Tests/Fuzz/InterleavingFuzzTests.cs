using System.Collections.Concurrent;
using KestrelGreenTransport.Tests.Accepting;
using KestrelGreenTransport.Tests.Draining;
using KestrelGreenTransport.Tests.Epoll;
using KestrelGreenTransport.Tests.Epoll.Scheduling;

namespace KestrelGreenTransport.Tests.Fuzz;

/// <summary>
/// Stories whose outcome must not depend on which thread goes first. At the named points of the code (<see cref="Interleaving"/>),
/// other threads are let through first, as a seed decides. The code itself asserts what must hold between the steps, in debug
/// builds, in which the tests run.
///
/// Runs alone: every thread of the process calls the visitor, and tests that count a thread's allocations would include it.
/// </summary>
[CollectionDefinition(nameof(InterleavingFuzzTests), DisableParallelization = true)]
[Collection(nameof(InterleavingFuzzTests))]
public class InterleavingFuzzTests
{
    private static readonly Dictionary<string, Story> Stories = new()
    {
        ["slots are taken, waited for, given up and given back"] = new(
            static () => new ConnectionPoolTests().Slots_survive_takers_that_give_back_and_cancel_at_random(),
            ["a slot is reserved", "a listener waits for a slot or has one", "a slot is given back", "a slot comes back", "a slot is handed on", "a waiter is cancelled"]),
        ["the gate opens and closes while clients come and go"] = new(
            static () => new AcceptGateTests().Nobody_is_lost_while_the_gate_opens_and_closes(GreenTransportBackend.Epoll),
            ["a listener has a slot or waits for one", "a listener waits for a slot or has one", "a slot is handed on", "a slot comes back"]),
        ["a loop is taken from its leader"] = new(
            static () => new LoopOwnershipTests().Of_a_leader_and_many_takers_exactly_one_has_each_event(),
            ["the app begins", "the app returned", "a loop is about to be taken"]),
        ["handlers block and yield while connections come and go"] = new(
            static () => new TakeoverTests().Handlers_that_block_and_yield_at_any_point_lose_no_answer_while_connections_come_and_go(),
            [
                "the app begins", "the app returned", "a loop is about to be taken", "a loop is taken and no thread leads", "a thread is about to lead",
                "a thread has parked", "a spare was told something", "a read side is about to change hands", "a read waits",
                "a flush begins", "an event is over", "half a connection is closed",
            ]),
        ["an idle connection is ended while its client asks and the app cancels or aborts"] = new(
            static () => new EndIdleRaceTests().Of_an_end_a_request_a_cancel_and_an_abort_each_has_its_effect_or_none(),
            ["a read waits", "a read side is about to change hands", "an event is over"]),
        ["a listener is unbound while clients come to a full pool"] = new(
            static () => new UnbindRaceTests().Clients_of_a_full_pool_are_answered_or_turned_away_when_the_listener_goes(),
            [
                "a listener has a slot or waits for one", "a listener waits for a slot or has one", "a slot is handed on", "a slot comes back",
                "a connection is accepted and not made yet", "a connection is made and not handed out yet",
            ]),
        ["handlers wait for each other while the loop is handed on"] = new(
            static () => new TakeoverTests().Handlers_that_wait_for_each_other_end_while_the_loop_is_handed_on_before_quick_ones(),
            ["the app begins, and the loop is on offer", "a spare was told something", "a thread has parked"]),
        ["handlers block after what they flushed"] = new(
            static () => new ConnectionRaceTests().What_a_handler_flushed_is_sent_while_it_blocks(clients: 1),
            ["the app begins", "a loop is about to be taken", "a thread leads", "a flush begins"]),
        ["handlers block after what they flushed while the loop is handed on"] = new(
            static () => new ConnectionRaceTests().What_a_handler_flushed_is_sent_while_it_blocks(clients: 24),
            ["the app begins, and the loop is on offer", "a thread leads", "a spare was told something", "a flush begins"]),
        ["a slow client, an abort and room in its socket come together"] = new(
            static () => new ConnectionRaceTests().Flushes_end_and_slots_come_back_when_a_slow_client_an_abort_and_room_come_together(ServedBy.EpollAdaptive),
            ["a flush begins", "a socket has room again", "half a connection is closed", "a slot is given back"]),
        ["reads wait for their turn and go elsewhere"] = new(
            static () => new ConnectionRaceTests().Reads_that_wait_for_their_turn_and_go_elsewhere_get_every_byte(ServedBy.EpollAdaptive),
            ["a read side is about to change hands", "a read waits", "a connection is deferred"]),
        ["a client hangs up while the app reads or has disposed, inline"] = new(
            static () => new ConnectionRaceTests().A_hang_up_is_told_apart_from_a_reset_whoever_looks_first(ServedBy.EpollAdaptive),
            ["a read side is about to change hands", "half a connection is closed"]),
        ["a client hangs up while the app reads or has disposed, on the pool"] = new(
            static () => new ConnectionRaceTests().A_hang_up_is_told_apart_from_a_reset_whoever_looks_first(ServedBy.EpollThreadPool),
            ["a read side is about to change hands", "a hang-up is about to be looked at", "half a connection is closed"]),
        ["reads are cancelled by their tokens while bytes come, inline"] = new(
            static () => new ConnectionRaceTests().Reads_with_tokens_that_are_cancelled_at_any_moment_lose_no_byte(ServedBy.EpollAdaptive),
            ["a read side is about to change hands", "a read waits"]),
        ["reads are cancelled by their tokens while bytes come, on the pool"] = new(
            static () => new ConnectionRaceTests().Reads_with_tokens_that_are_cancelled_at_any_moment_lose_no_byte(ServedBy.EpollThreadPool),
            ["a read side is about to change hands", "a read waits"]),
    };

    public static TheoryData<string> Names => [.. Stories.Keys];

#if DEBUG
    [Theory]
    [MemberData(nameof(Names))]
    public async Task Whoever_goes_first_the_story_ends_as_it_should(string name)
    {
        var passed = new ConcurrentDictionary<string, long>();
        try
        {
            await FuzzBudget.Of(seconds: 0.1).RunAsync(atOnce: 1, async seed =>
            {
                var visitor = new Visitor(seed, passed);
                Interleaving.Visitor = visitor.Visit;
                await Stories[name].Tell();
            });
        }
        finally
        {
            Interleaving.Visitor = null;
        }

        Assert.Empty(Stories[name].Points.Except(passed.Keys));
    }
#endif

    private sealed record Story(Func<Task> Tell, string[] Points);

    /// <summary>
    /// The seed decides what each visit does, but not which thread makes which visit. So a seed gives a different order each time,
    /// with the same probabilities.
    /// </summary>
    private sealed class Visitor(int seed, ConcurrentDictionary<string, long> passed)
    {
        private long _visits;

        public void Visit(string point)
        {
            passed.TryAdd(point, 0);
            var chance = Mixed((ulong)Interlocked.Increment(ref _visits) + ((ulong)(uint)seed << 32));
            switch (chance % 64)
            {
                case < 12:
                    Thread.Yield();
                    break;
                case < 20:
                    Thread.SpinWait((int)(chance >> 8) & 0xff);
                    break;
                case < 24:
                    Thread.Sleep(0);
                    break;
                case 24 when (chance >> 16) % 8 == 0:
                    Thread.Sleep(1);
                    break;
            }
        }

        // SplitMix64's last step: neighbouring inputs give unrelated results.
        private static ulong Mixed(ulong x)
        {
            x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
            x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
            return x ^ (x >> 31);
        }
    }
}
