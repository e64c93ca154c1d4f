using System.Collections.Immutable;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Building;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>Everything that is needed to run: resolved settings, the app's command, what to bind. Made at the start, and for each reload.</summary>
internal sealed record LaunchPlan
{
    public required GreenSupervisorOptions Options { get; init; }

    public required AppCommand App { get; init; }

    /// <summary>Where to listen, parsed and in order; empty when no setting says so.</summary>
    public required ImmutableArray<BindSpec> Binds { get; init; }

    /// <summary>
    /// Whether a setting says where to listen. Otherwise the app decides, by its endpoints or by <c>ASPNETCORE_URLS</c> and similar
    /// variables, and the workers ask for what they need.
    /// </summary>
    public bool ExplicitBinds => Binds.Length > 0;

    /// <summary>Where the app's configuration says that it listens, as far as that is known outside the app; with <c>-b</c> only that counts.</summary>
    public ImmutableArray<ListenEndpoint> Named { get; init; } = [];

    /// <summary>Whether an operator named this place, and not only the app's code: a TCP port at whichever address, a Unix socket exactly.</summary>
    public bool Names(ListenEndpoint endpoint) =>
        Named.Any(named => endpoint.IP is { } ip ? named.IP?.Port == ip.Port : named.UnixPath == endpoint.UnixPath);

    /// <summary>The instance's name; also in the control socket's path.</summary>
    public required string Name { get; init; }

    /// <summary>Reads the settings and looks for the app once more, for the next generation; or says what is wrong. Given is what runs a build.</summary>
    public required Func<ICommandRunner, (LaunchPlan? Plan, IReadOnlyList<string> Problems)> Renew { get; init; }

    /// <summary>The requests of a new worker's warm-up; empty for none.</summary>
    public ImmutableArray<WarmUpRequest> WarmUp { get; init; } = [];

    /// <summary>The names of the query's parameters whose values may be recorded with the routes that clients request, as <c>?page&amp;sort</c>; null if no routes are recorded.</summary>
    public string? RecordedQuery { get; init; }

    /// <summary>The admin endpoint; null when no setting asks for one.</summary>
    public AdminPlan? Admin { get; init; }

    /// <summary>Transport settings that the command line or the environment gave, as <c>GREEN_*</c> variables for the workers.</summary>
    public ImmutableDictionary<string, string> WorkerVariables { get; init; } = ImmutableDictionary<string, string>.Empty;
}
