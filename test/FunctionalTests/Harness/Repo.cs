namespace FunctionalTests.Harness;

/// <summary>Where the built programs are, relative to this one: <c>test/FunctionalTests/bin/CONFIGURATION/FRAMEWORK</c>.</summary>
internal static class Repo
{
    public static string Root { get; } = FindRoot();

    public static string Green { get; } = Output("src/KestrelGreenTransport.Tool", "green.dll");

    public static string TestWorker { get; } = Output("test/TestWorker", "TestWorker.dll");

    public static string Hello { get; } = Output("samples/Hello", "Hello.dll");

    public static string NginxProxy { get; } = Output("samples/NginxProxy", "NginxProxy.dll");

    public static string GrpcSample { get; } = Output("samples/Grpc", "GrpcSample.dll");

    public static string HttpsSample { get; } = Output("samples/Https", "Https.dll");

    public static string SignalRChat { get; } = Output("samples/SignalRChat", "SignalRChat.dll");

    public static string OpenTelemetrySample { get; } = Output("samples/OpenTelemetry", "OpenTelemetrySample.dll");

    /// <summary>
    /// The libraries as they were built, for the project of a test. Compiling them again would test nothing more, and would write
    /// to files that other tests use. These are portable: those in the output folders are compiled for this processor (ReadyToRun),
    /// against which the compiler warns.
    /// </summary>
    public static string References { get; } = string.Concat(
        ((string[])["KestrelGreenTransport", "KestrelGreenTransport.Supervisor"]).Select(static library => $"<Reference Include=\"{Built("obj", $"src/{library}", $"{library}.dll")}\" />"));

    /// <summary>A file of the repository.</summary>
    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    /// <summary>The configuration that this run was built in: Debug or Release.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    private static string Output(string project, string file) => Built("bin", project, file);

    private static string Built(string folder, string project, string file)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        return System.IO.Path.Combine(Root, project, folder, own.Parent!.Name, own.Name, file);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "KestrelGreenTransport.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"{AppContext.BaseDirectory} is in no checkout of this repository.");
    }
}
