using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Everything that is needed to run: resolved settings, the app's command, what to bind. Made once at start.</summary>
internal sealed record LaunchPlan
{
    public required GreenSupervisorOptions Options { get; init; }

    public required AppCommand App { get; init; }

    /// <summary>Where to listen, parsed and in order; never empty.</summary>
    public required ImmutableArray<BindSpec> Binds { get; init; }

    /// <summary>
    /// Whether somebody asked for these binds. False when they come from <c>ASPNETCORE_URLS</c> and its kin or are the
    /// default: then the workers keep those variables, since a url in them may be https and the app's own to serve.
    /// </summary>
    public bool ExplicitBinds { get; init; }

    /// <summary>The instance's name; also in the control socket's path.</summary>
    public required string Name { get; init; }

    /// <summary>Transport settings that the command line or the environment gave, as <c>GREEN_*</c> variables for the workers.</summary>
    public ImmutableDictionary<string, string> WorkerVariables { get; init; } = ImmutableDictionary<string, string>.Empty;
}

/// <summary>The command that starts one worker.</summary>
/// <param name="FileName">The executable: the dotnet host, or the app's own.</param>
/// <param name="Arguments">Its arguments, without the executable itself.</param>
/// <param name="DisplayPath">The app as the banner shows it.</param>
/// <param name="WorkingDirectory">Where workers start: a project's folder, so that its appsettings files are found. Null means where the supervisor is.</param>
internal sealed record AppCommand(string FileName, ImmutableArray<string> Arguments, string DisplayPath, string? WorkingDirectory = null);
