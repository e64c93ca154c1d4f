using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Contract;

/// <summary>
/// One packet on the lifeline, told apart by <see cref="Type"/>. Fields that a type does not use are absent; unknown
/// types and fields are ignored, so that either end may be newer.
/// </summary>
internal sealed record LifelineMessage
{
    /// <summary>The largest packet, in bytes.</summary>
    public const int MaxSize = 64 * 1024;

    public required string Type { get; init; }

    /// <summary>hello: the contract that the worker speaks.</summary>
    public int? ContractVersion { get; init; }

    /// <summary>hello: the worker's process id.</summary>
    public int? Pid { get; init; }

    /// <summary>drain: how long requests in flight may still take, in milliseconds.</summary>
    public long? DeadlineMs { get; init; }

    /// <summary>failed: the exit code (docs/signals-and-exit-codes.md) that this failure means for the supervisor.</summary>
    public int? ExitCode { get; init; }

    /// <summary>warm, without <see cref="WarmUp"/>: the path to request. slowRequest: the request's path, without its query.</summary>
    public string? Path { get; init; }

    /// <summary>warm: the requests to make. recorded: what clients request.</summary>
    public WarmUpRequest[]? WarmUp { get; init; }

    /// <summary>warm: for how many milliseconds at most to repeat the requests, until the runtime compiles hardly anything. Absent: make them once.</summary>
    public long? TimeMs { get; init; }

    /// <summary>warmed: whether the problem is only that a request was not answered in time, which does not count against the app.</summary>
    public bool? TimedOut { get; init; }

    /// <summary>beat: the worker's state.</summary>
    public int? State { get; init; }

    /// <summary>beat: monotonic nanoseconds at which the heartbeat had passed through every loop and the thread pool.</summary>
    public long? At { get; init; }

    /// <summary>siblingDied: the index of the worker that is gone.</summary>
    public int? Index { get; init; }

    /// <summary>failed, log, and warmed when something was wrong: what a person should read.</summary>
    public string? Message { get; init; }

    /// <summary>inFlight: the oldest requests, oldest first.</summary>
    public InFlightRequest[]? InFlight { get; init; }

    /// <summary>bind, bound, requests, inFlight: which question this is, or is the answer to.</summary>
    public long? Id { get; init; }

    /// <summary>bind: where the app wants to listen, as <c>GREEN_LISTEN</c> writes it.</summary>
    public string? Endpoint { get; init; }

    /// <summary>bound: why there is no socket; absent when one came with the message.</summary>
    public string? Error { get; init; }

    /// <summary>bound: the kernel's number for the error, where it has one.</summary>
    public int? Errno { get; init; }

    /// <summary>The descriptor that came with the packet (SCM_RIGHTS); the code that takes the message owns it.</summary>
    [JsonIgnore]
    public SafeFileHandle? Descriptor { get; init; }

    /// <summary>stats: requests answered since the process's start.</summary>
    public long? Requests { get; init; }

    /// <summary>stats: those of them with a status of 500 or above.</summary>
    public long? Failed { get; init; }

    /// <summary>stats: how long all of them took together, in nanoseconds.</summary>
    public long? DurationNs { get; init; }

    /// <summary>stats: how many took how long, by <see cref="RequestStats.UpperBounds"/>.</summary>
    public long[]? Buckets { get; init; }

    public static LifelineMessage Of(RequestStats stats) => new()
    {
        Type = LifelineTypes.Stats,
        Requests = stats.Count,
        Failed = stats.Failed,
        DurationNs = stats.Nanoseconds,
        Buckets = [.. stats.Buckets],
    };

    /// <summary>The content of a stats message; null for other messages, and for one with other buckets than ours.</summary>
    public RequestStats? ToStats() =>
        this is { Type: LifelineTypes.Stats, Requests: >= 0 and var count, Failed: >= 0 and var failed, DurationNs: >= 0 and var nanoseconds, Buckets: { } buckets }
        && buckets.Length == RequestStats.None.Buckets.Length && buckets.All(static bucket => bucket >= 0)
            ? new RequestStats(count, failed, nanoseconds, [.. buckets])
            : null;

    /// <summary>leader: whether the worker is to lead; from the worker: false, it does not.</summary>
    public bool? Yes { get; init; }

    /// <summary>slowRequest: the request's method.</summary>
    public string? Method { get; init; }

    /// <summary>slowRequest: how long it has been in flight, in milliseconds.</summary>
    public long? AgeMs { get; init; }

    public byte[] ToUtf8() => BareMessage.Write(this) ?? JsonSerializer.SerializeToUtf8Bytes(this, LifelineJson.Default.LifelineMessage);

    /// <summary>Reads a packet whose fields are all in their ranges (<see cref="LifelineRules"/>).</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out LifelineMessage? message) => TryParse(utf8, out message, out _);

    /// <summary>The same, and says what is wrong with a packet that is not a message.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out LifelineMessage? message, [NotNullWhen(false)] out string? problem)
    {
        try
        {
            message = BareMessage.Read(utf8) ?? JsonSerializer.Deserialize(utf8, LifelineJson.Default.LifelineMessage);
            problem = message is null ? "it is null" : LifelineRules.Problem(message);
        }
        catch (JsonException)
        {
            (message, problem) = (null, "it is not a JSON object of the contract");
        }

        message = problem is null ? message : null;
        return problem is null;
    }
}

/// <summary>A request that a worker is busy with.</summary>
/// <param name="Method">Its method.</param>
/// <param name="Path">Its path, without the query.</param>
/// <param name="AgeMs">How long it has been in flight, in milliseconds.</param>
internal sealed record InFlightRequest(string Method, string Path, long AgeMs);

/// <summary>The values of <see cref="LifelineMessage.Type"/>.</summary>
internal static class LifelineTypes
{
    /// <summary>Worker: I use the transport and speak this contract. Sent before anything is bound.</summary>
    public const string Hello = "hello";

    /// <summary>Worker: my host has started; I accept, or I could.</summary>
    public const string Ready = "ready";

    /// <summary>Worker: a full beat that I could not write into my heartbeat file.</summary>
    public const string Beat = "beat";

    /// <summary>Worker: I cannot start, and why. The process exits right after.</summary>
    public const string Failed = "failed";

    /// <summary>Worker: please bind this for me. Answered by <see cref="Bound"/>.</summary>
    public const string Bind = "bind";

    /// <summary>Supervisor: here is the listening socket, or why there is none.</summary>
    public const string Bound = "bound";

    /// <summary>Worker: the warm-up is over.</summary>
    public const string Warmed = "warmed";

    /// <summary>Worker: clients requested these routes. Sent only with GREEN_RECORD_ROUTES, when there is something new.</summary>
    public const string Recorded = "recorded";

    /// <summary>Supervisor: accept connections.</summary>
    public const string Open = "open";

    /// <summary>Supervisor: stop accepting; accepted connections continue.</summary>
    public const string Close = "close";

    /// <summary>Supervisor: warm up with these requests, through the whole pipeline.</summary>
    public const string Warm = "warm";

    /// <summary>Supervisor: another worker is gone; what it was woken for may wait.</summary>
    public const string SiblingDied = "siblingDied";

    /// <summary>Worker: requests answered so far. Sent at most every heartbeat interval, and only when there is something new.</summary>
    public const string Stats = "stats";

    /// <summary>Worker: a request has been in flight for longer than GREEN_REQUEST_TIMEOUT. Sent once for a request.</summary>
    public const string SlowRequest = "slowRequest";

    /// <summary>Supervisor: which requests have been in flight for longest? Answered by <see cref="InFlight"/>.</summary>
    public const string Requests = "requests";

    /// <summary>Worker: these.</summary>
    public const string InFlight = "inFlight";

    /// <summary>Worker: I am exiting because I ran out of memory.</summary>
    public const string OutOfMemory = "outOfMemory";

    /// <summary>
    /// Supervisor: become the leader, or stop being it. Worker, with <c>yes</c> false: I am no longer the leader. No other worker is
    /// told to lead before that message arrives or the process is reaped.
    /// </summary>
    public const string Leader = "leader";

    /// <summary>Supervisor: reopen the access log, its file was rotated.</summary>
    public const string Reopen = "reopen";

    /// <summary>Supervisor: stop accepting, finish what you took, exit.</summary>
    public const string Drain = "drain";
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LifelineMessage))]
internal sealed partial class LifelineJson : JsonSerializerContext;
