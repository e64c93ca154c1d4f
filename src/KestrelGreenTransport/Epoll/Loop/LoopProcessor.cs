using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>
/// The processor that the leader of a loop is tied to. A thread stays tied while it waits to lead again. One that lost the
/// loop because its handler computes is untied, or both threads would share that processor.
///
/// Threads that a handler starts are not tied: .NET gives each new thread the processors of the process.
/// </summary>
internal sealed class LoopProcessor(int number, IReadOnlyList<int> all)
{
    /// <summary>One for each loop, round robin; a worker with several loops begins after the loops of the worker before it.</summary>
    /// <param name="loops">How many loops this process has.</param>
    /// <param name="worker">The index of this worker, from 1.</param>
    /// <param name="all">The processors that the process may run on.</param>
    public static LoopProcessor[] Share(int loops, int worker, IReadOnlyList<int> all) =>
        [.. Enumerable.Range((worker - 1) * loops, loops).Select(turn => new LoopProcessor(all[turn % all.Count], all))];

    public int Number => number;

    public Result Tie(int threadId) => ThreadAffinity.Tie(threadId, [number]);

    public Result LetGo(int threadId) => ThreadAffinity.Tie(threadId, all);
}
