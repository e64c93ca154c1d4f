using System.Globalization;
using System.Runtime;

namespace Benchmarks.Server;

/// <summary>
/// Answers what the benchmark wants to know of this process, one line of JSON for each line it asks: not over HTTP, so
/// that asking neither goes through what is measured nor waits behind it.
/// </summary>
internal static class ControlLine
{
    public static void AnswerUntilEnd(TextReader questions, TextWriter answers)
    {
        while (questions.ReadLine() is { } question)
        {
            if (question == "collect")
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }

            answers.WriteLine(Figures());
            answers.Flush();
        }
    }

    private static string Figures() => string.Create(CultureInfo.InvariantCulture,
        $$"""
        {"allocatedBytes":{{GC.GetTotalAllocatedBytes()}},"collections":{{GC.CollectionCount(0)}},"heapBytes":{{GC.GetTotalMemory(false)}},"methods":{{JitInfo.GetCompiledMethodCount()}},"processors":{{Environment.ProcessorCount}},"threads":{{ThreadPool.ThreadCount}}}
        """);
}
