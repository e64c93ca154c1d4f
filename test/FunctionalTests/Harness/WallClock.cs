using System.Diagnostics;

namespace FunctionalTests.Harness;

/// <summary>
/// A wall clock that a test can set, but only for the programs that it started: a library, loaded ahead of libc, whose clock
/// functions add the shift that a file holds. The monotonic clock is not changed.
/// </summary>
internal static class WallClock
{
    private const string ShiftName = "clock-shift";

    // No headers: a machine with a compiler may not have them.
    private const string Source =
        """
        typedef long (*clock)(int, long *);
        extern void *dlsym(void *, const char *);
        extern char *getenv(const char *);
        extern int open(const char *, int, ...);
        extern void *mmap(void *, unsigned long, int, int, int, long);

        static volatile long *shift;

        __attribute__((constructor)) static void begin(void)
        {
            const char *path = getenv("TEST_CLOCK_SHIFT");
            int file = path ? open(path, 0) : -1;
            void *mapped = file >= 0 ? mmap(0, 8, 1, 1, file, 0) : (void *)-1;
            if (mapped != (void *)-1) shift = mapped;
        }

        int clock_gettime(int id, long *time)
        {
            static clock real;
            if (!real) real = (clock)dlsym((void *)-1L, "clock_gettime");
            int result = (int)real(id, time);
            if (result == 0 && shift && (id == 0 || id == 5)) time[0] += *shift;
            return result;
        }

        int gettimeofday(long *time, void *zone)
        {
            long now[2];
            int result = clock_gettime(0, now);
            time[0] = now[0];
            time[1] = now[1] / 1000;
            return result;
        }

        long time(long *time)
        {
            long now[2];
            clock_gettime(0, now);
            if (time) *time = now[0];
            return now[0];
        }
        """;

    /// <summary>The beginning of a command line; the rest of it runs with the clock that <see cref="Set"/> sets.</summary>
    public static string[] Settable(TemporaryFolder folder)
    {
        var library = folder.File("clock.so");
        File.WriteAllText(folder.File("clock.c"), Source);
        using (var compiler = Process.Start("cc", ["-shared", "-fPIC", "-nostdlib", "-fno-builtin", "-o", library, folder.File("clock.c")]))
        {
            compiler.WaitForExit();
            Assert.Equal(0, compiler.ExitCode);
        }

        File.WriteAllBytes(folder.File(ShiftName), new byte[sizeof(long)]);
        return ["env", $"LD_PRELOAD={library}", $"TEST_CLOCK_SHIFT={folder.File(ShiftName)}"];
    }

    /// <summary>Sets it to the true time plus this shift.</summary>
    public static void Set(TemporaryFolder folder, TimeSpan shift)
    {
        using var file = File.OpenHandle(folder.File(ShiftName), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, BitConverter.GetBytes((long)shift.TotalSeconds), 0);
    }
}
