using System.Collections;

namespace TestWorker;

/// <summary>Routes that report what this process sees.</summary>
internal static class Facts
{
    public static void MapFacts(this IEndpointRouteBuilder app, string[] args)
    {
        app.MapGet("/", () => "hello\n");
        app.MapGet("/pid", () => $"{Environment.ProcessId}");
        app.MapGet("/utc", () => $"{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}");
        app.MapGet("/remote", static (HttpContext context) => $"{context.Connection.RemoteIpAddress}");
        app.MapPost("/echo", static async (HttpRequest request) => $"{Environment.ProcessId} {await new StreamReader(request.Body).ReadToEndAsync()}");
        app.MapGet("/release", () => new DirectoryInfo(AppContext.BaseDirectory).Name);
        app.MapGet("/args", () => args);
        app.MapGet("/env", () => Environment.GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .ToDictionary(static entry => (string)entry.Key, static entry => (string?)entry.Value));
        app.MapGet("/fds", () => Descriptors(Environment.ProcessId));
    }

    /// <summary>The open descriptors of a process: each number and its target.</summary>
    public static Dictionary<string, string> Descriptors(int pid)
    {
        var found = new Dictionary<string, string>();
        foreach (var path in Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd"))
        {
            // A descriptor may be closed while the folder is read.
            if (new FileInfo(path).LinkTarget is { } target)
            {
                found[Path.GetFileName(path)] = target;
            }
        }

        return found;
    }
}
