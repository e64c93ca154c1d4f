using System.Text.Json.Serialization;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>What a client waits for, as the control socket tells it: once when it was taken, then with news, at last with its outcome.</summary>
/// <param name="Id">Its name: the supervisor counts them.</param>
/// <param name="Kind">The command: <c>reload</c>, <c>restart</c>, <c>scale</c>, <c>drain</c>, <c>upgrade</c>.</param>
/// <param name="Outcome"><c>pending</c> until it is over.</param>
/// <param name="Message">What is so now, or why not and what to do next; empty while it is pending.</param>
/// <param name="Worker">The worker that made it fail, if one did.</param>
internal sealed record OperationStatus(
    long Id,
    string Kind,
    [property: JsonConverter(typeof(NameConverter<OperationOutcome>))] OperationOutcome Outcome = OperationOutcome.Pending,
    string Message = "",
    int? Worker = null);
