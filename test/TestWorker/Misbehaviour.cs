using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TestWorker;

/// <summary>Routes that leave the process running, but slower, fuller or louder than it should be.</summary>
internal static class Misbehaviour
{
    private static readonly List<byte[]> Leaked = [];

    public static void MapMisbehaviour(this IEndpointRouteBuilder app)
    {
        app.MapGet("/slow", async (int ms, CancellationToken aborted) =>
        {
            await Task.Delay(ms, aborted);
            return $"{Environment.ProcessId}";
        });
        app.MapGet("/block", (int ms) =>
        {
            Thread.Sleep(ms);
            return $"{Environment.ProcessId}";
        });

        // Reads until it continues where the bytes arrive instead of where the request began: on the event loop, which it then blocks.
        app.MapPost("/block-loop", async (HttpRequest request, int ms) =>
        {
            var one = new byte[1];
            do
            {
                await request.Body.ReadExactlyAsync(one);
            }
            while (Thread.CurrentThread.IsThreadPoolThread);
            Thread.Sleep(ms);
        });
        app.MapGet("/spin", (int ms) =>
        {
            var watch = Stopwatch.StartNew();
            while (watch.ElapsedMilliseconds < ms)
            {
                Thread.SpinWait(1000);
            }

            return $"{Environment.ProcessId}";
        });
        app.MapGet("/starve", Starve);
        app.MapGet("/deadlock", Deadlock);
        app.MapGet("/gc-pause", StandingStill.PauseCollector);
        app.MapGet("/stop-beat", StandingStill.StopBeatThread);
        app.MapGet("/refuse-to-leave", static (IHostApplicationLifetime lifetime) =>
        {
            lifetime.ApplicationStopping.Register(static () => Thread.Sleep(Timeout.Infinite));
        });
        app.MapGet("/download", static async (int kb, HttpResponse response) =>
        {
            response.ContentLength = kb * 1024L;
            var block = new byte[1024];
            for (var i = 0; i < kb; i++)
            {
                await response.Body.WriteAsync(block);
            }
        });
        app.MapGet("/leak", (int mb) =>
        {
            for (var i = 0; i < mb; i++)
            {
                var block = GC.AllocateUninitializedArray<byte>(1 << 20);
                block.AsSpan().Fill(1);
                Leaked.Add(block);
            }

            return $"{Leaked.Count}";
        });
        app.MapGet("/print", (int lines, string text) => Print(lines, text));
        app.MapGet("/print-partial", (string text) => Console.Write(text));
        app.MapGet("/print-megabytes", (int mb) => Print(mb * 1024, new string('x', 1023 - 12)));
        app.MapGet("/spawn-grandchild", SpawnGrandchild);
    }

    /// <summary>Allocates until no memory is left.</summary>
    public static void TakeAllMemory()
    {
        while (true)
        {
            var block = GC.AllocateUninitializedArray<byte>(1 << 24);
            block.AsSpan().Fill(1);
            Leaked.Add(block);
        }
    }

    /// <summary>The same outside of the garbage collector, which keeps itself below a container's limit.</summary>
    public static void TakeAllNativeMemory()
    {
        const int Size = 1 << 24;
        while (true)
        {
            var block = Marshal.AllocHGlobal(Size);
            for (var page = 0; page < Size; page += 4096)
            {
                Marshal.WriteByte(block, page, 1);
            }
        }
    }

    /// <summary>Prints whole numbered lines: <c>text 1</c> to <c>text N</c>.</summary>
    public static void Print(int lines, string text)
    {
        for (var i = 1; i <= lines; i++)
        {
            Console.Out.WriteLine($"{text} {i.ToString(CultureInfo.InvariantCulture)}");
        }
    }

    // The runtime adds a thread or two per second to a starving pool; each of them takes the next item and sleeps too.
    private static void Starve()
    {
        for (var i = 0; i < 20_000; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static _ => SleepForEver(), null);
        }
    }

    // Optimized code would leave for a call that comes last, and the stacks would not show who made it.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static void SleepForEver() => Thread.Sleep(Timeout.Infinite);

    // Each of the two threads holds the lock that the other one wants.
    private static void Deadlock()
    {
        Lock one = new(), other = new();
        using var both = new Barrier(2);
        new Thread(() => TakeBoth(other, one)) { IsBackground = true }.Start();
        TakeBoth(one, other);

        void TakeBoth(Lock first, Lock second)
        {
            lock (first)
            {
                both.SignalAndWait();
                lock (second)
                {
                }
            }
        }
    }

    private static Grandchild SpawnGrandchild()
    {
        using var child = Process.Start("sleep", "600");
        return new Grandchild(child.Id, Facts.Descriptors(child.Id));
    }

    internal sealed record Grandchild(int Pid, Dictionary<string, string> Descriptors);
}
