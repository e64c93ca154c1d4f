using System.Numerics;
using KestrelGreenTransport.Contract;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Settings;

/// <summary>Says which setting is out of its range, where it came from, and what to do.</summary>
internal sealed class GreenTransportOptionsValidator : IValidateOptions<GreenTransportOptions>
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    public ValidateOptionsResult Validate(string? name, GreenTransportOptions options)
    {
        var problems = Problems(options);
        return problems.Count == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(problems.Select(problem => $"{problem.Setting} ({problem.Value}{From(options, problem.Setting)}) must be {problem.Rule}."));
    }

    /// <summary>Each setting that is out of its range, its value, and the rule, which completes "must be".</summary>
    public static IReadOnlyList<(string Setting, string Value, string Rule)> Problems(GreenTransportOptions options)
    {
        var problems = new List<(string Setting, string Value, string Rule)>();
        Within(nameof(options.WorkerConnections), options.WorkerConnections, 1, 1_000_000, "it is the number of connections that each listener holds at most");
        Within(nameof(options.Backlog), options.Backlog, 1, 1_000_000, "it is the number of connections that the kernel may queue");
        if (options.AcceptBatch is { } batch)
        {
            Within(nameof(options.AcceptBatch), batch, 1, 10_000, "leave it out for the automatic choice");
        }

        Span(nameof(options.SlowStart), options.SlowStart, TimeSpan.Zero, TimeSpan.FromHours(1), "a worker is hot long before that; 0s switches it off");
        Span(nameof(options.AcceptMinDelay), options.AcceptMinDelay, Millisecond, Minute, "without a pause, running out of descriptors would keep a core busy");
        Span(nameof(options.AcceptMaxDelay), options.AcceptMaxDelay, Millisecond, Minute, "it is the longest that clients wait once descriptors are free again");
        if (options.AcceptMaxDelay < options.AcceptMinDelay)
        {
            Add(
                nameof(options.AcceptMaxDelay),
                Duration.Format(options.AcceptMaxDelay),
                $"at least AcceptMinDelay ({Duration.Format(options.AcceptMinDelay)}{From(options, nameof(options.AcceptMinDelay))}): the pause grows from one to the other");
        }

        Buffer(nameof(options.MaxReadBufferSize), options.MaxReadBufferSize);
        Buffer(nameof(options.MaxWriteBufferSize), options.MaxWriteBufferSize);
        if (options.UnixFileMode is { } mode && (mode & ~(UnixFileMode)0b111_111_111) != 0)
        {
            Add(nameof(options.UnixFileMode), $"0{Convert.ToString((int)mode, 8)}", "from 0000 to 0777, such as 0660 for owner and group");
        }

        if (options.DeferAccept is { } defer)
        {
            Span(nameof(options.DeferAccept), defer, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), "the kernel counts it in seconds; leave it out to accept each connection at once");
        }

        if (options.ReusePort && !OperatingSystem.IsLinux())
        {
            Add(nameof(options.ReusePort), "True", "false on this system: only Linux distributes clients among the processes");
        }

        Choice(nameof(options.ProxyProtocol), options.ProxyProtocol);
        if (options.ProxyProtocol != GreenTransportProxyProtocol.Off && options.ProxyProtocolTrusted.Count == 0)
        {
            Add(nameof(options.ProxyProtocolTrusted), "empty", "the networks of your proxies: without any, only Unix sockets would be served");
        }

        if (options.KeepAlive is { } keepAlive)
        {
            Span(nameof(options.KeepAlive), keepAlive, TimeSpan.FromSeconds(1), Day, "Kestrel checks its connections once a second; leave it out for Kestrel's own limit");
        }

        Choice(nameof(options.Backend), options.Backend);
        Choice(nameof(options.Scheduling), options.Scheduling);
        Choice(nameof(options.AccessLogFormat), options.AccessLogFormat);
        if (options.EventLoops is { } loops)
        {
            Within(nameof(options.EventLoops), loops, 1, 1024, "leave it out for one on each core, or one in each worker");
        }

        Span(
            nameof(options.BlockingThreshold),
            options.BlockingThreshold,
            Millisecond / 10,
            TimeSpan.FromSeconds(1),
            "the guard checks the event loops about that often");
        Span(nameof(options.SpinTime), options.SpinTime, TimeSpan.Zero, Millisecond * 10, "the loop keeps its core busy for that time, so a value longer than a wake-up gains nothing; 0s switches it off");
        Span(nameof(options.GracefulTimeout), options.GracefulTimeout, TimeSpan.Zero, Day, "it is how long requests in flight may take to finish at a stop");
        return problems;

        void Within<T>(string setting, T value, T from, T to, string remark)
            where T : INumber<T>
        {
            if (value < from || value > to)
            {
                Add(setting, $"{value}", $"from {from} to {to}: {remark}");
            }
        }

        void Span(string setting, TimeSpan value, TimeSpan from, TimeSpan to, string remark)
        {
            if (value < from || value > to)
            {
                Add(setting, Text(value), $"from {Text(from)} to {Text(to)}: {remark}");
            }
        }

        void Buffer(string setting, long? value)
        {
            if (value is < 4096)
            {
                Add(setting, $"{value}", "at least 4096, one block of memory, or unlimited (null in code)");
            }
        }

        void Choice<T>(string setting, T value)
            where T : struct, Enum
        {
            if (!Enum.IsDefined(value))
            {
                Add(setting, $"{value}", $"one of {string.Join(", ", Enum.GetNames<T>())}");
            }
        }

        void Add(string setting, string value, string rule) => problems.Add((setting, value, rule));

        static string Text(TimeSpan value) => value < TimeSpan.Zero ? $"{value}" : Duration.Format(value);
    }

    private static string From(GreenTransportOptions options, string setting) =>
        options.Sources.TryGetValue(setting, out var source) ? $", from {source}" : "";
}
