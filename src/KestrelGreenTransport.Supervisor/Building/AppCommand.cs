using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>The command that starts one worker.</summary>
/// <param name="FileName">The executable: the dotnet host, or the app's own.</param>
/// <param name="Arguments">Its arguments, without the executable itself.</param>
/// <param name="DisplayPath">The app as the banner shows it.</param>
/// <param name="WorkingDirectory">Where workers start: a project's folder, so that its appsettings files are found. Null means the supervisor's.</param>
/// <param name="Project">The project that it was built from; null for an app given as a file.</param>
internal sealed record AppCommand(
    string FileName, ImmutableArray<string> Arguments, string DisplayPath, string? WorkingDirectory = null, ProjectSource? Project = null);
