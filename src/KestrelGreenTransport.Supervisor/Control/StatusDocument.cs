using System.Text.Json.Serialization;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>What <c>green status --json</c> prints: a contract, with <see cref="SchemaVersion"/> 1 (docs/observability.md).</summary>
internal sealed record StatusDocument
{
    public int SchemaVersion { get; init; } = 1;

    public required string Name { get; init; }

    public required string Version { get; init; }

    public required int SupervisorPid { get; init; }

    [JsonConverter(typeof(NameConverter<SupervisorPhase>))]
    public required SupervisorPhase State { get; init; }

    public required long Generation { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public required int WorkersTarget { get; init; }

    /// <summary>How often each verdict was passed since the supervisor's start.</summary>
    public VerdictsStatus Verdicts { get; init; } = new(0, 0, 0, 0, 0);

    public required IReadOnlyList<ListenerStatus> Listeners { get; init; }

    public required IReadOnlyList<WorkerStatus> Workers { get; init; }
}

/// <param name="Endpoint">As in the worker contract: <c>tcp://127.0.0.1:8080</c>.</param>
/// <param name="Backlog">The length that was asked for.</param>
/// <param name="Queued">Connections that the kernel holds and no worker has accepted yet.</param>
internal sealed record ListenerStatus(string Endpoint, int Backlog, long Queued);

internal sealed record VerdictsStatus(long FrozenProcess, long ThreadPoolStarvation, long BlockedLoop, long HungRequest, long NoHeartbeat);

internal sealed record WorkerStatus
{
    public required int Index { get; init; }

    public required int? Pid { get; init; }

    public required long Generation { get; init; }

    [JsonConverter(typeof(NameConverter<WorkerPhase>))]
    public required WorkerPhase State { get; init; }

    public required double? UptimeSeconds { get; init; }

    public required double? HeartbeatAgeSeconds { get; init; }

    public required long Connections { get; init; }

    public required long ConnectionsLimit { get; init; }

    public required long RequestsInFlight { get; init; }

    public required long RequestsTotal { get; init; }

    public required long AcceptedTotal { get; init; }

    public required int Restarts { get; init; }

    public required long RssBytes { get; init; }

    public required double CpuSeconds { get; init; }

    /// <summary>The progress of its warm-up, from 0 to 1, as a part of the time that it may take; null while it is not warming up.</summary>
    public double? WarmUp { get; init; }

    /// <summary>How many methods its runtime has compiled so far.</summary>
    public long CompiledMethods { get; init; }

    /// <summary>Methods compiled per second, over the last two seconds; null while unknown.</summary>
    public double? CompiledMethodsPerSecond { get; init; }

    /// <summary>The processor time that it used per request over the last seconds; null while unknown.</summary>
    public double? CpuMicrosecondsPerRequest { get; init; }

    /// <summary>Whether its requests cost hardly more than its siblings' do; null while unknown, and for a worker that is not serving.</summary>
    public bool? Hot { get; init; }

    /// <summary>Whether it is the leader, which runs the leader services.</summary>
    public bool Leader { get; init; }

    /// <summary>What it is being ended for, if it hung.</summary>
    public string? Verdict { get; init; }

    public required LastExitStatus? LastExit { get; init; }
}

/// <summary>How warm a worker is.</summary>
/// <param name="MethodsPerSecond">Methods compiled per second; null while unknown.</param>
/// <param name="CpuPerRequest">Nanoseconds of processor time per request; null while unknown.</param>
/// <param name="IsHot">Whether that is hardly more than its siblings need; null while unknown, and for a worker that is not serving.</param>
internal sealed record HeatStatus(double? MethodsPerSecond, double? CpuPerRequest, bool? IsHot);

/// <summary>How a process ended.</summary>
/// <param name="Reason">Why.</param>
/// <param name="ExitCode">Null if a signal ended it, or if it is unknown.</param>
/// <param name="Signal">Null if it exited by itself, or if it is unknown.</param>
/// <param name="At">When.</param>
/// <param name="Verdict">What it was ended for, if it hung.</param>
/// <param name="Index">Its index: that of the worker that shows this, or another one if both lived at a time.</param>
/// <param name="Pid">Its pid.</param>
internal sealed record LastExitStatus(
    string Reason, int? ExitCode, string? Signal, DateTimeOffset At, string? Verdict = null, int? Index = null, int? Pid = null)
{
    /// <param name="exit">What the arbiter knows.</param>
    /// <param name="now">Monotonic nanoseconds.</param>
    /// <param name="utc">The same moment by the calendar.</param>
    public static LastExitStatus Of(LastExit exit, long now, DateTimeOffset utc) => new(
        NoticeReporter.Name(exit.Reason),
        exit.Status.Code,
        exit.Status.Signal is { } signal ? Signals.NameOf(signal) : null,
        utc - TimeSpan.FromTicks((now - exit.At) / 100),
        exit.Verdict is { } why ? NoticeReporter.Name(why) : null,
        exit.Index,
        exit.Pid);
}

/// <summary>A command to the supervisor: one line of JSON on the control socket (docs/architecture.md).</summary>
internal sealed record ControlRequest
{
    /// <summary>
    /// <c>status</c>, <c>stop</c>, <c>scale</c>, <c>reload</c>, <c>reloads</c>, <c>restart</c>, <c>drain</c>, <c>upgrade</c>, <c>dump</c>, <c>requests</c>, <c>figures</c>,
    /// <c>logs</c>, <c>events</c> or <c>story</c>.
    /// </summary>
    public required string Command { get; init; }

    /// <summary>stop, scale, reload, restart, drain, upgrade: keep the connection, with a line for the events meanwhile and a last one for the outcome.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Wait { get; init; }

    /// <summary>stop: leave at once instead of finishing requests.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Quick { get; init; }

    /// <summary>scale: how many workers.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Workers { get; init; }

    /// <summary>dump, requests, story: which worker, by its index. logs, events, restart, drain: only this worker.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Worker { get; init; }

    /// <summary>logs, events: at most this many, the newest.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Last { get; init; }

    /// <summary>logs, events: only what came after this <see cref="LogLine.Sequence"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? After { get; init; }

    /// <summary>dump: <c>stacks</c> (also when absent), <c>mini</c>, <c>heap</c> or <c>full</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Kind { get; init; }

    /// <summary>dump: where to keep it, an absolute path; absent: in the folder of DumpOnStale, or not at all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Folder { get; init; }
}

/// <summary>The supervisor's answer: one line of JSON.</summary>
internal sealed record ControlResponse
{
    /// <summary>What is wrong with the request; null when it was taken.</summary>
    public string? Error { get; init; }

    /// <summary>The state after the command was taken; always there unless there is an error or another answer was asked for.</summary>
    public StatusDocument? Status { get; init; }

    /// <summary>What a client waits for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OperationStatus? Operation { get; init; }

    /// <summary>reloads, which a <c>green</c> of an older version asks: how they stand.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ReloadsStatus? Reloads { get; init; }

    /// <summary>logs, events: what was asked for, oldest first.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<LogLine>? Lines { get; init; }

    /// <summary>figures: the status, and the requests answered by each worker.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Figures? Figures { get; init; }

    /// <summary>logs, events: the value of <see cref="ControlRequest.After"/> that continues from here.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Next { get; init; }

    /// <summary>story: what is known of a worker and of those before it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WorkerStory? Story { get; init; }

    /// <summary>requests: what the worker said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public InFlightStatus? InFlight { get; init; }

    /// <summary>dump: what was found.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DumpDocument? Dump { get; init; }
}

/// <summary>The oldest requests that a worker is busy with.</summary>
/// <param name="Oldest">Oldest first, ten at most; null when the worker did not say.</param>
internal sealed record InFlightStatus(IReadOnlyList<RequestStatus>? Oldest);

/// <param name="Method">The request's method.</param>
/// <param name="Path">Its path, without the query.</param>
/// <param name="AgeSeconds">How long it has been in flight.</param>
internal sealed record RequestStatus(string Method, string Path, double AgeSeconds);

/// <summary>What <c>green dump --json</c> prints.</summary>
internal sealed record DumpDocument
{
    public int SchemaVersion { get; init; } = 1;

    /// <summary>What was kept on disk.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>The stacks of all managed threads.</summary>
    public required string Stacks { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never,
    Converters = [typeof(UtcSecondsConverter)])]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(DumpDocument))]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlResponse))]
[JsonSerializable(typeof(LogLine))]
internal sealed partial class ControlJson : JsonSerializerContext;
