namespace KestrelGreenTransport.Contract;

// The other end may be anything: an older version, a program by another author, one that was broken into. A message that has passed
// these checks can be calculated with, kept and shown: no number overflows, no text is too long, nothing is null.

/// <summary>The range of every field of a message. The one place where they are checked.</summary>
internal static class LifelineRules
{
    /// <summary>The longest text, in characters: in JSON each may take six bytes, and all must fit into a packet.</summary>
    public const int LongestText = 8 * 1024;

    /// <summary>How many requests may be named in one answer.</summary>
    public const int MostInFlight = 10;

    public const int LongestType = 64;
    public const int LongestEndpoint = 256;
    public const int MostBuckets = 1024;
    public const int MostWorkers = 100_000;
    public const int LargestExitCode = 255;
    public const int LargestErrno = 4095;

    // Ten years.
    private const long LongestMilliseconds = 10L * 365 * 24 * 60 * 60 * 1000;

    // A million a second for two years; the sums of many workers' are 64-bit numbers too.
    private const long MostRequests = 1L << 46;

    /// <summary>What is wrong with a message; null when nothing is.</summary>
    public static string? Problem(LifelineMessage message)
    {
        return Text("type", message.Type, LongestType) ?? (message.Type is null ? "type is missing" : null)
            ?? Number("contractVersion", message.ContractVersion, 0, int.MaxValue)
            ?? Number("pid", message.Pid, 0, int.MaxValue)
            ?? Number("deadlineMs", message.DeadlineMs, 0, LongestMilliseconds)
            ?? Number("exitCode", message.ExitCode, 0, LargestExitCode)
            ?? Text("path", message.Path, LongestText)
            ?? Number("state", message.State, (int)WorkerState.Booting, (int)WorkerState.Draining)
            ?? Number("at", message.At, 0, long.MaxValue)
            ?? Number("index", message.Index, 1, MostWorkers)
            ?? Text("message", message.Message, LongestText)
            ?? Number("id", message.Id, 0, long.MaxValue)
            ?? Text("endpoint", message.Endpoint, LongestEndpoint)
            ?? Text("error", message.Error, LongestText)
            ?? Number("errno", message.Errno, 0, LargestErrno)
            ?? Number("requests", message.Requests, 0, MostRequests)
            ?? Number("failed", message.Failed, 0, MostRequests)
            ?? Number("durationNs", message.DurationNs, 0, long.MaxValue / 2)
            ?? Text("method", message.Method, LongestText)
            ?? Number("ageMs", message.AgeMs, 0, LongestMilliseconds)
            ?? Number("timeMs", message.TimeMs, 0, LongestMilliseconds)
            ?? WarmUp(message.WarmUp)
            ?? Buckets(message.Buckets)
            ?? InFlight(message.InFlight);
    }

    private static string? Number(string name, long? value, long least, long most) =>
        value is { } number && (number < least || number > most) ? $"{name} is {number}" : null;

    private static string? Text(string name, string? value, int longest) =>
        value is { Length: var length } && length > longest ? $"{name} has {length} characters" : null;

    private static string? Buckets(long[]? buckets) =>
        buckets is { Length: > MostBuckets } ? $"there are {buckets.Length} buckets"
        : Array.Find(buckets ?? [], static count => count is < 0 or > MostRequests) is not 0 and var wrong ? $"a bucket is {wrong}"
        : null;

    private static string? WarmUp(WarmUpRequest?[]? requests) =>
        requests is { Length: > WarmUpRequest.Most } ? $"warmUp has {requests.Length} requests"
        : (requests ?? []).Select(static request => request is null ? "a request is null" : request.Problem()).FirstOrDefault(static problem => problem is not null) is { } wrong
            ? $"warmUp: {wrong}"
            : null;

    private static string? InFlight(InFlightRequest?[]? requests)
    {
        if (requests is { Length: > MostInFlight })
        {
            return $"inFlight has {requests.Length} requests";
        }

        foreach (var request in requests ?? [])
        {
            if (request is not { Method: { } method, Path: { } path })
            {
                return "inFlight has a request without a method or a path";
            }

            if ((Text("method", method, LongestText) ?? Text("path", path, LongestText) ?? Number("ageMs", request.AgeMs, 0, LongestMilliseconds)) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }
}
