using System.Runtime.InteropServices;

namespace TestWorker;

/// <summary>Routes that end the process, each in its own way.</summary>
internal static partial class Death
{
    public static void MapDeath(this IEndpointRouteBuilder app)
    {
        app.MapGet("/exit0", (IHostApplicationLifetime lifetime) => lifetime.StopApplication());
        app.MapGet("/print-exit", (int lines, string text, int code) =>
        {
            Misbehaviour.Print(lines, text);
            Environment.Exit(code);
        });
        app.MapGet("/crash", (string how) =>
        {
            switch (how)
            {
                case "failfast":
                    Environment.FailFast("asked to");
                    break;
                case "segfault":
                    // In native code: in managed code the runtime would turn it into an exception.
                    strlen(1);
                    break;
                case "stack":
                    new Thread(static () => Deeper(0)).Start();
                    break;
                case "memory":
                    new Thread(Misbehaviour.TakeAllMemory).Start();
                    break;
                case "native-memory":
                    new Thread(Misbehaviour.TakeAllNativeMemory).Start();
                    break;
                case "throw":
                    new Thread(static () => throw new InvalidOperationException("asked to")).Start();
                    break;
                default:
                    throw new ArgumentException($"unknown way to crash: {how}", nameof(how));
            }
        });
    }

    private static long Deeper(long depth) => Deeper(depth + 1) + Environment.TickCount64;

    [LibraryImport("libc")]
    private static partial nuint strlen(nint text);
}
