using System.Runtime.InteropServices;

namespace TestWorker;

/// <summary>Routes that end the process, each in its own way.</summary>
internal static class Death
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
                    Marshal.WriteByte(1, 1);
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
}
