using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace TestWorker;

/// <summary>
/// What a compromised worker tries. TESTWORKER_HOSTILE names a file of packets, one per line, that it sends while it boots. Its
/// routes send more packets, signal every thread of its supervisor, and lay traps in the path of a supervisor that runs as root:
/// links, locks, a socket in place of another one. Each route answers with what was refused.
/// </summary>
internal static partial class Hostility
{
    private const int EPERM = 1;
    private const int ESRCH = 3;
    private const int EAGAIN = 11;
    private const int LOCK_EX = 2;
    private const int LOCK_NB = 4;
    private const int F_OFD_SETLK = 37;
    private const short F_RDLCK = 0;
    private const int MSG_DONTWAIT = 0x40;
    private const int MSG_NOSIGNAL = 0x4000;

    // KILL, STOP, HUP, INT, TERM, USR1, USR2, WINCH, and the null signal.
    private static readonly int[] Signals = [9, 19, 1, 2, 15, 10, 12, 28, 0];

    private static readonly string? File = Environment.GetEnvironmentVariable("TESTWORKER_HOSTILE");

    // Read early: the variable is gone once the transport has read it.
    private static readonly int Lifeline =
        int.TryParse(Environment.GetEnvironmentVariable("GREEN_CONTROL_FD"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    private static readonly Stack<IDisposable> Traps = [];

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
        app.MapGet("/hostile/link", static (string at, string to) => Try(() => System.IO.File.CreateSymbolicLink(at, to)));
        app.MapGet("/hostile/leftover", static (string at, string to) => Try(() => LeaveBehind(at, to)));
        app.MapGet("/hostile/lock", static (string path) => LockAll(path));
        app.MapGet("/hostile/port", static (string path) => Try(() => ListenAt(path)));
        app.MapGet("/hostile/release", static () => Try(Release));
    }

    private static string Try(Action act)
    {
        try
        {
            act();
            return "";
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }

    // Every lock that needs only the right to read: a read lock on the whole file, and the flock that .NET programs take.
    private static unsafe string LockAll(string path)
    {
        var opened = open(path, 0);
        if (opened < 0)
        {
            return $"open: {Marshal.GetLastPInvokeError()}";
        }

        Traps.Push(new Microsoft.Win32.SafeHandles.SafeFileHandle(opened, ownsHandle: true));
        var all = stackalloc short[16];
        new Span<short>(all, 16).Clear();
        all[0] = F_RDLCK;
        return fcntl(opened, F_OFD_SETLK, (nint)all) < 0 ? $"fcntl: {Marshal.GetLastPInvokeError()}"
            : flock(opened, LOCK_EX | LOCK_NB) < 0 ? $"flock: {Marshal.GetLastPInvokeError()}"
            : "";
    }

    // A folder old enough to look abandoned, with a link in it.
    private static void LeaveBehind(string at, string to)
    {
        Directory.CreateDirectory(at);
        Directory.CreateSymbolicLink(Path.Combine(at, "1"), to);
        Directory.SetLastWriteTimeUtc(at, DateTime.UnixEpoch);
    }

    // Accepts clients but never answers.
    private static void ListenAt(string path)
    {
        System.IO.File.Delete(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Traps.Push(socket);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen();
    }

    private static void Release()
    {
        while (Traps.TryPop(out var trap))
        {
            trap.Dispose();
        }
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

    // A thread's id works wherever a process id does.
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

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(int fd, int operation);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prlimit(int pid, int resource, nint limit, nint old);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int fd, byte[] buffer, nuint count, int flags);
}
