using System.Reflection;

namespace KestrelGreenTransport.Supervisor;

/// <summary>The version without the commit that the compiler appends.</summary>
internal static class SupervisorVersion
{
    public static string Text { get; } =
        typeof(SupervisorVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";
}
