using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Dumps;

/// <summary>Answers <c>green dump</c>: the stacks of a living worker, which continues afterwards.</summary>
internal sealed class DumpRequestHandler(
    Dumper dumper, DumpFolder? kept, Func<string, DumpFolder> folderAt, Func<SupervisorState> state, Action<SupervisorEvent> post)
{
    // An answer is one line of at most 4 MiB, and JSON may need two bytes per character.
    private const int MostText = 1_500_000;

    /// <param name="request">A request whose command is <c>dump</c>.</param>
    /// <param name="answer">Called once, immediately or from the dumper's thread.</param>
    public void Handle(ControlRequest request, Action<ControlResponse> answer)
    {
        var folder = request.Folder is { } path ? folderAt(path) : kept;
        if (request.Worker is not { } index || state().Workers.GetValueOrDefault(index) is not { Pid: { } pid })
        {
            answer(Refuse($"there is no process for worker {request.Worker?.ToString() ?? "(missing)"}"));
        }
        else if (!Enum.TryParse<GreenDumpKind>(request.Kind ?? nameof(GreenDumpKind.Stacks), ignoreCase: true, out var kind) || !Enum.IsDefined(kind))
        {
            answer(Refuse($"kind ('{request.Kind}') must be stacks, mini, heap or full"));
        }
        else if (request.Folder is { } relative && !Path.IsPathFullyQualified(relative))
        {
            answer(Refuse($"the folder '{relative}' must be an absolute path"));
        }
        else if (kind != GreenDumpKind.Stacks && folder is null)
        {
            answer(Refuse("a dump needs a folder: name one with --to DIR, or start the supervisor with --dump-on-stale DIR"));
        }
        else if (ProcFs.IsStopped(pid))
        {
            answer(Refuse($"worker {index} (pid {pid}) is stopped, so it cannot dump itself. Send it SIGCONT"));
        }
        else
        {
            // The worker sends no heartbeat during the dump. We caused that pause, so it does not count.
            var excuse = HungDumps.LimitFor(kind);
            dumper.Dump(
                new DumpRequest(index, pid, kind, "requested", folder) { Begins = () => post(new WorkerExcused(index, excuse)) },
                result =>
                {
                    post(new WorkerExcused(index, TimeSpan.Zero));
                    answer(Answer(result));
                });
        }
    }

    private static ControlResponse Answer(DumpResult result) => result.Error is { } error
        ? Refuse(error)
        : new ControlResponse
        {
            Dump = new DumpDocument
            {
                Files = result.Files,
                Stacks = result.Text is { Length: > MostText } text ? text[..MostText] + "\n(cut)\n" : result.Text ?? "",
            },
        };

    private static ControlResponse Refuse(string error) => new() { Error = error };
}
