using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime;

namespace Benchmarks.Server;

/// <summary>
/// Answers the benchmark's questions about this process, one line of JSON per line. It does not use HTTP, so that the questions
/// neither go through what is measured nor wait behind it.
/// </summary>
internal static class ControlLine
{
    private static long _takeovers;

    /// <summary>Starts counting how often a handler loses its event loop.</summary>
    public static MeterListener CountTakeovers()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "green.transport.loop.takeovers")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>(static (_, count, _, _) => Interlocked.Add(ref _takeovers, count));
        listener.Start();
        return listener;
    }

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
        {"allocatedBytes":{{GC.GetTotalAllocatedBytes()}},"collections":{{GC.CollectionCount(0)}},"heapBytes":{{GC.GetTotalMemory(false)}},"methods":{{JitInfo.GetCompiledMethodCount()}},"processors":{{Environment.ProcessorCount}},"takeovers":{{Interlocked.Read(ref _takeovers)}},"threads":{{ThreadPool.ThreadCount}}}
        """);
}
