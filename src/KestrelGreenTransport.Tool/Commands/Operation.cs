using System.Globalization;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary>Sends a command, shows what happens until it is over, and prints its outcome.</summary>
internal static class Operation
{
    private const int LastLines = 30;

    // The last lines of a process may arrive shortly after its end.
    private static readonly TimeSpan LateLines = TimeSpan.FromMilliseconds(200);

    /// <param name="host">Where to print.</param>
    /// <param name="client">The supervisor.</param>
    /// <param name="request">What to send.</param>
    /// <param name="failed">The exit code if it fails, or is superseded.</param>
    public static int Run(ToolHost host, ControlClient client, ControlRequest request, int failed = ExitCodes.Unexpected)
    {
        var answer = Follow(host, client.Follow(request));
        switch (answer.Operation)
        {
            case { Outcome: OperationOutcome.Succeeded } done:
                host.Out.WriteLine(done.Message);
                return ExitCodes.Ok;
            case { Outcome: OperationOutcome.Pending }:
                return host.Fail(ExitCodes.Unexpected, "the supervisor closed the connection before it was over: it has exited, or a new one took its place. See what it does: green status.");
            case null:
                return host.Fail(ExitCodes.Unexpected, $"supervisor {answer.Status?.SupervisorPid} has taken the command, but its version, {answer.Status?.Version}, does not say when it is over. See: green status. To replace it by this version: green upgrade.");
            case var ended:
                if (ended.Worker is { } worker)
                {
                    ShowLastLines(host, client, worker, answer.Next);
                }

                return host.Fail(ended.Outcome == OperationOutcome.Refused ? ExitCodes.Usage : failed, ended.Message);
        }
    }

    /// <summary>Shows the news in the answers: events as they come, and now and then which workers are waited for.</summary>
    /// <param name="host">Where to print.</param>
    /// <param name="answers">The answers.</param>
    /// <param name="begun">What to say once the command was taken.</param>
    /// <returns>The last answer, with what the first one said of the supervisor.</returns>
    public static ControlResponse Follow(ToolHost host, IEnumerable<ControlResponse> answers, Func<StatusDocument, string>? begun = null)
    {
        ControlResponse? last = null;
        foreach (var answer in answers)
        {
            if (last is null && begun is not null)
            {
                host.Error.WriteLine(begun(answer.Status!));
            }

            foreach (var line in answer.Lines ?? [])
            {
                host.Error.WriteLine(line.Text);
            }

            foreach (var worker in last is null ? [] : answer.Status?.Workers.Where(static worker => worker.State is not (WorkerPhase.Serving or WorkerPhase.Standby)) ?? [])
            {
                var process = worker.Pid is { } pid ? string.Create(CultureInfo.InvariantCulture, $" (pid {pid})") : "";
                host.Error.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"still waiting: worker {worker.Index}{process} is {NoticeReporter.Name(worker.State)}, {Counted.Of(worker.RequestsInFlight, "request")} in flight on {Counted.Of(worker.Connections, "connection")}"));
            }

            last = last is null ? answer : answer with { Status = last.Status, Next = last.Next };
        }

        return last!;
    }

    private static void ShowLastLines(ToolHost host, ControlClient client, int worker, long? after)
    {
        host.Wait(LateLines);
        var lines = client.Ask(new ControlRequest { Command = "logs", Worker = worker, After = after, Last = LastLines * 2 }, static response => response.Lines);
        foreach (var line in lines.Where(static line => line.Stream is not null).TakeLast(LastLines))
        {
            host.Error.WriteLine($"    {line.Text}");
        }
    }
}
