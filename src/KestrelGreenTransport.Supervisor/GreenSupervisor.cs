using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using KestrelGreenTransport.Supervisor.Runtime;

namespace KestrelGreenTransport.Supervisor;

/// <summary>Turns an app into a supervisor of itself.</summary>
public static class GreenSupervisor
{
    /// <summary>
    /// Runs the supervisor if one is configured. Call it in the first line of <c>Program.cs</c>:
    /// <c>if (await GreenSupervisor.TryRunAsync(args) is { } code) return code;</c>
    /// </summary>
    /// <param name="args">The app's arguments. The supervisor takes its own options; all others, and everything after <c>--</c>, go to the workers in order.</param>
    /// <param name="configure">Sets options in code. Every other source overrides them. Null means that the code does not ask for a supervisor.</param>
    /// <returns>
    /// The exit code once the supervisor is done. Or null, and the app continues as one process: in a worker; when nothing
    /// configures a supervisor (no option, no <c>GREEN_*</c> variable, no <c>green.json</c>, no section
    /// <c>GreenSupervisor</c>, no <paramref name="configure"/>); when another program runs this <c>Main</c>
    /// (WebApplicationFactory, dotnet ef); under a debugger; with <c>GREEN_SUPERVISOR=0</c>; and, with a line on standard error that
    /// says so, under <c>dotnet watch</c>, on systems other than Linux, and when a library calls it after its first <c>await</c>.
    /// </returns>
    /// <remarks>A library may call it for the app, directly or several calls below the app's <c>Main</c>.</remarks>
    // The caller is asked for its assembly, so this must be a frame of its own.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Task<int?> TryRunAsync(string[] args, Action<GreenSupervisorOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(args);

        // NativeAOT cannot tell the caller. Nothing else loads an AOT app's Main either.
        var origin = RuntimeFeature.IsDynamicCodeSupported ? OriginOf(Assembly.GetCallingAssembly()) : CallOrigin.StartedProgram;
        return SelfLauncher.TryRunAsync(args, configure, SelfProcess.Current(origin, Debugger.IsAttached));
    }

    private static CallOrigin OriginOf(Assembly caller) => CallOrigins.Of(caller, Assembly.GetEntryAssembly(), MainsOnTheStack());

    // An iterator: the caller is usually the program itself, and then the stack, which takes a while to walk, is not read at all.
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "A Main is never trimmed, and it alone is looked for.")]
    private static IEnumerable<Assembly> MainsOnTheStack()
    {
        foreach (var frame in new StackTrace().GetFrames())
        {
            if (frame.GetMethod() is { } method && method.Module.Assembly.EntryPoint == method)
            {
                yield return method.Module.Assembly;
            }
        }
    }
}
