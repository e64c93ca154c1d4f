using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Dumps;

/// <summary>Dumps a worker that is about to be ended for hanging.</summary>
internal sealed class HungDumps(Dumper dumper, DumpFolder folder, GreenDumpKind kind)
{
    /// <summary>How long the end of a hung worker may be delayed for its dump.</summary>
    public static TimeSpan LimitFor(GreenDumpKind kind) => kind == GreenDumpKind.Stacks ? Dumper.StacksLimit : Dumper.StacksLimit + Dumper.DumpLimit;

    public void OfHung(AbortWorker abort, int pid, Action done) =>
        dumper.Dump(new DumpRequest(abort.Index, pid, kind, Why(abort), folder), _ => done());

    private static string Why(AbortWorker abort) => abort.Verdict is { } verdict
        ? NoticeReporter.Describe(verdict)
        : $"{NoticeReporter.Name(abort.Reason)}";
}
