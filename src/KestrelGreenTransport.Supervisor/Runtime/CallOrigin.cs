using System.Reflection;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Whose <c>Main</c> asks for a supervisor. Only the program that was started can be started again for each worker.</summary>
internal enum CallOrigin
{
    /// <summary>The program that was started, in its own code or in a library that its <c>Main</c> calls.</summary>
    StartedProgram,

    /// <summary>An app whose <c>Main</c> another program runs: a test framework, dotnet ef.</summary>
    HostedApp,

    /// <summary>A library, on a thread whose stack shows no <c>Main</c>.</summary>
    UnknownMain,
}

internal static class CallOrigins
{
    /// <summary>Decides by the calling assembly, the started one, and those whose <c>Main</c> is on the stack, innermost first.</summary>
    public static CallOrigin Of(Assembly caller, Assembly? started, IEnumerable<Assembly> mains) =>
        caller == started ? CallOrigin.StartedProgram
        : mains.FirstOrDefault() is not { } main ? CallOrigin.UnknownMain
        : main == started ? CallOrigin.StartedProgram
        : CallOrigin.HostedApp;
}
