using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>
/// The processor that whoever leads a loop is tied to. A thread keeps the tie while it waits to lead again; one that lost the
/// loop because its handler computes is let go, or the two would share that processor.
///
/// What a handler starts from such a thread is not tied: .NET gives each new thread the processors of the process.
/// </summary>
internal sealed class LoopProcessor(int number, IReadOnlyList<int> all)
{
    /// <summary>One for each loop, taking turns; workers with several loops begin where the one before them ended.</summary>
    /// <param name="loops">How many loops this process has.</param>
    /// <param name="worker">Which of the workers this is, from 1.</param>
    /// <param name="all">The processors that the process may run on.</param>
    public static LoopProcessor[] Share(int loops, int worker, IReadOnlyList<int> all) =>
        [.. Enumerable.Range((worker - 1) * loops, loops).Select(turn => new LoopProcessor(all[turn % all.Count], all))];

    public int Number => number;

    public Result Tie(int threadId) => ThreadAffinity.Tie(threadId, [number]);

    public Result LetGo(int threadId) => ThreadAffinity.Tie(threadId, all);
}
