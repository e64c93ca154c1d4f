using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace TestWorker;

/// <summary>
/// What a worker tries that was broken into: TESTWORKER_HOSTILE names a file of packets, a line each, that it sends while it
/// boots. Its routes send others, and send signals to every thread of its supervisor.
/// </summary>
internal static partial class Hostility
{
    private const int EPERM = 1;
    private const int ESRCH = 3;
    private const int EAGAIN = 11;
    private const int MSG_DONTWAIT = 0x40;
    private const int MSG_NOSIGNAL = 0x4000;

    // KILL, STOP, HUP, INT, TERM, USR1, USR2, WINCH, and none at all.
    private static readonly int[] Signals = [9, 19, 1, 2, 15, 10, 12, 28, 0];

    private static readonly string? File = Environment.GetEnvironmentVariable("TESTWORKER_HOSTILE");

    // The variable is gone once the transport has read it.
    private static readonly int Lifeline =
        int.TryParse(Environment.GetEnvironmentVariable("GREEN_CONTROL_FD"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    public static void AtBoot()
    {
        if (File is not null && System.IO.File.Exists(File))
        {
            SayAll(File);
        }
    }

    public static void MapHostility(this IEndpointRouteBuilder app)
    {
        if (File is null)
        {
            return;
        }

        app.MapGet("/hostile/say", static (string file) => SayAll(file));
        app.MapGet("/hostile/signals", static (int pid) => string.Join('\n', Reached(pid)));
    }

    private static string SayAll(string file)
    {
        var refused = new List<string>();
        foreach (var line in System.IO.File.ReadLines(file))
        {
            var packet = Encoding.UTF8.GetBytes(line);
            int error;
            do
            {
                error = send(Lifeline, packet, (nuint)packet.Length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? Marshal.GetLastPInvokeError() : 0;
            }
            while (error == EAGAIN);

            if (error != 0)
            {
                refused.Add($"{error}");
            }
        }

        return string.Join(' ', refused);
    }

    // A thread can be named wherever a process can.
    private static IEnumerable<string> Reached(int pid)
    {
        foreach (var task in Directory.EnumerateDirectories($"/proc/{pid}/task"))
        {
            var thread = int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture);
            foreach (var signal in Signals)
            {
                if (kill(thread, signal) == 0 || Marshal.GetLastPInvokeError() is not (EPERM or ESRCH))
                {
                    yield return $"signal {signal} to thread {thread}";
                }
            }

            if (prlimit(thread, 7, 0, 0) == 0)
            {
                yield return $"limits of thread {thread}";
            }
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prlimit(int pid, int resource, nint limit, nint old);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int fd, byte[] buffer, nuint count, int flags);
}
