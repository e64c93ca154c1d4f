using System.Globalization;

namespace KestrelGreenTransport.Contract;

/// <summary>
/// What the environment told this process when it was started as a worker. The variables are read once and then
/// removed, so that the worker's own children do not consider themselves workers.
/// </summary>
internal sealed record WorkerContract
{
    private static readonly Lazy<WorkerContract?> Process = new(() => Read(new ProcessVariables()));

    /// <summary>This process's contract; null if it is not a worker. The first access removes the variables.</summary>
    /// <exception cref="FormatException">A variable is malformed; the message names it.</exception>
    public static WorkerContract? Current => Process.Value;

    public required int Index { get; init; }

    public required long Generation { get; init; }

    public required IReadOnlyList<InheritedListener> Listeners { get; init; }

    /// <summary>The descriptor of the lifeline, or null when no supervisor watches this worker that way.</summary>
    public int? ControlDescriptor { get; init; }

    public string? HeartbeatFile { get; init; }

    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(1);

    public string? BoardFile { get; init; }

    /// <summary>Whether the supervisor binds, over the lifeline, what the app asks for.</summary>
    public bool HasBroker { get; init; }

    /// <summary>Whether it accepts only once its supervisor says so.</summary>
    public bool StartsClosed { get; init; }

    /// <summary>A request older than this is reported as slow, once; null: no request is.</summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>The descriptor of a pipe for the access log, where that goes to standard output; null: standard output itself.</summary>
    public int? AccessLogDescriptor { get; init; }

    /// <summary>The names of the query's parameters whose values may be recorded with the routes that clients request; null: no routes are recorded.</summary>
    public IReadOnlyList<string>? RecordedQuery { get; init; }

    /// <summary>Where the variables are read from and removed; tests give a dictionary.</summary>
    internal interface IVariables
    {
        string? Take(string name);
    }

    internal static WorkerContract? Read(IVariables variables)
    {
        var worker = variables.Take(ContractVariables.Worker);
        if (worker is null)
        {
            return null;
        }

        return new WorkerContract
        {
            Index = Number(ContractVariables.Worker, worker, 1, 100_000),
            Generation = Number(ContractVariables.Generation, variables.Take(ContractVariables.Generation) ?? "1", 1, int.MaxValue),
            Listeners = InheritedListener.Parse(variables.Take(ContractVariables.Listen) ?? ""),
            ControlDescriptor = variables.Take(ContractVariables.ControlFd) is { } fd ? Number(ContractVariables.ControlFd, fd, 3, int.MaxValue) : null,
            HeartbeatFile = variables.Take(ContractVariables.HeartbeatFile),
            HeartbeatInterval = Time(variables, ContractVariables.HeartbeatInterval, TimeSpan.FromHours(1)) ?? TimeSpan.FromSeconds(1),
            BoardFile = variables.Take(ContractVariables.BoardFile),
            HasBroker = variables.Take(ContractVariables.Broker) == "1",
            StartsClosed = IsClosed(variables.Take(ContractVariables.Gate)),
            RequestTimeout = Time(variables, ContractVariables.RequestTimeout, TimeSpan.FromDays(1)),
            AccessLogDescriptor = variables.Take(ContractVariables.AccessLogFd) is { } log ? Number(ContractVariables.AccessLogFd, log, 3, int.MaxValue) : null,
            RecordedQuery = variables.Take(ContractVariables.RecordRoutes) is { } query ? Names(query) : null,
        };
    }

    private static string[] Names(string text) => text.StartsWith('?')
        ? text[1..].Split('&', StringSplitOptions.RemoveEmptyEntries)
        : throw new FormatException($"{ContractVariables.RecordRoutes} ('{text}') must be '?', or '?' and names, as in ?page&sort.");

    private static bool IsClosed(string? text) => text switch
    {
        null or ContractVariables.Open => false,
        ContractVariables.Closed => true,
        _ => throw new FormatException($"{ContractVariables.Gate} ('{text}') must be {ContractVariables.Open} or {ContractVariables.Closed}."),
    };

    private static int Number(string name, string text, int from, int to) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= from && number <= to
            ? number
            : throw new FormatException($"{name} ('{text}') must be a whole number from {from} to {to}.");

    private static TimeSpan? Time(IVariables variables, string name, TimeSpan longest)
    {
        if (variables.Take(name) is not { } text)
        {
            return null;
        }

        return Duration.TryParse(text, out var time) && time >= TimeSpan.FromMilliseconds(10) && time <= longest
            ? time
            : throw new FormatException($"{name} ('{text}') must be a duration from 10ms to {Duration.Format(longest)}, such as 1s.");
    }

    private sealed class ProcessVariables : IVariables
    {
        public string? Take(string name)
        {
            var value = Environment.GetEnvironmentVariable(name);
            if (value is not null)
            {
                Environment.SetEnvironmentVariable(name, null);
            }

            return string.IsNullOrEmpty(value) ? null : value;
        }
    }
}
