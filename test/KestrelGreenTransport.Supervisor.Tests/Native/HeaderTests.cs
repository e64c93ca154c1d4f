using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Tests.Native;

/// <summary>
/// The kernel's numbers and structures match the headers of this architecture, according to its C compiler (CC, otherwise cc).
/// build/test-arm64.sh runs this for arm64.
/// </summary>
public sealed partial class HeaderTests : IDisposable
{
    private const string Headers = """
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <poll.h>
        #include <signal.h>
        #include <spawn.h>
        #include <stddef.h>
        #include <time.h>
        #include <netinet/in.h>
        #include <netinet/tcp.h>
        #include <sys/epoll.h>
        #include <sys/eventfd.h>
        #include <sys/file.h>
        #include <sys/resource.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <sys/wait.h>
        #include <linux/netlink.h>
        #include <linux/sock_diag.h>

        """;

    private readonly string _file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".c");

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Constants_that_have_a_name_of_C_have_its_value()
    {
        // Constants that this machine's headers do not know yet are left out.
        var constants = NativeTypes()
            .SelectMany(static type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(static field => field.IsLiteral && NameOfC().IsMatch(field.Name) && field.GetRawConstantValue() is not (nint or string))
            .Select(static field => (field.Name, Value: Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture)))
            .ToHashSet();
        Assert.Contains(("EPOLLEXCLUSIVE", 1L << 28), constants);

        Compile([.. constants.Select(static one => $"#ifdef {one.Name}\n{Is($"(long long)({one.Name})", one.Value)}\n#endif")]);
    }

    [Fact]
    public void Flags_and_system_calls_that_differ_between_architectures_are_those_of_this_one()
    {
        Compile(
            [.. Enum.GetValues<SystemCall>().Select(static call => Is($"SYS_{call}", SystemCalls.NumberOf(call, RuntimeInformation.ProcessArchitecture))),
            Is("O_NOFOLLOW", LibcFiles.O_NOFOLLOW),
            Is("O_DIRECTORY", LibcFiles.O_DIRECTORY)]);
    }

    [Fact]
    public unsafe void Structures_are_laid_out_as_the_kernel_reads_and_writes_them()
    {
        var dataOffset = (int)typeof(EpollCalls).GetProperty("DataOffset", BindingFlags.Static | BindingFlags.NonPublic)!.GetValue(null)!;
        var usage = typeof(KernelThread).GetNestedType("Usage", BindingFlags.NonPublic)!;
        Compile(
            Is("sizeof(struct epoll_event)", EpollCalls.EventSize),
            Is("offsetof(struct epoll_event, data)", dataOffset),
            Is("sizeof(struct pollfd)", sizeof(Libc.PollFd)),
            Is("offsetof(struct pollfd, revents)", Offset<Libc.PollFd>("revents")),
            Is("sizeof(struct flock)", sizeof(Posix.FileLock)),
            Is("offsetof(struct flock, l_start)", Offset<Posix.FileLock>("l_start")),
            Is("offsetof(struct flock, l_len)", Offset<Posix.FileLock>("l_len")),
            Is("offsetof(struct flock, l_pid)", Offset<Posix.FileLock>("l_pid")),
            Is("sizeof(struct statx)", sizeof(LibcFiles.Statx)),
            Is("offsetof(struct statx, stx_uid)", Offset<LibcFiles.Statx>("stx_uid")),
            Is("offsetof(struct statx, stx_mode)", Offset<LibcFiles.Statx>("stx_mode")),
            Is("offsetof(struct statx, stx_ino)", Offset<LibcFiles.Statx>("stx_ino")),
            Is("offsetof(struct statx, stx_dev_major)", Offset<LibcFiles.Statx>("stx_dev_major")),
            Is("offsetof(struct statx, stx_nlink)", Offset<LibcFiles.Statx>("stx_nlink")),
            Is("sizeof(struct ucred)", sizeof(Posix.Ucred)),
            Is("offsetof(struct rusage, ru_nvcsw)", (long)Marshal.OffsetOf(usage, "VoluntarySwitches")),
            Is("sizeof(struct timespec)", sizeof(Libc.TimeSpec)));
    }

    private static string Is(string expression, long value) =>
        string.Create(CultureInfo.InvariantCulture, $"_Static_assert({expression} == {value}, \"{expression} is not {value}\");");

    private static long Offset<T>(string field)
        where T : unmanaged => (long)Marshal.OffsetOf<T>(field);

    private static IEnumerable<Type> NativeTypes() => new[] { typeof(Libc).Assembly, typeof(Posix).Assembly }
        .SelectMany(static assembly => assembly.GetTypes())
        .Where(static type => type.Namespace?.EndsWith(".Native", StringComparison.Ordinal) == true);

    private void Compile(params string[] assertions)
    {
        File.WriteAllText(_file, new StringBuilder(Headers).AppendJoin('\n', assertions).AppendLine().ToString());
        using var compiler = Process.Start(new ProcessStartInfo(Environment.GetEnvironmentVariable("CC") ?? "cc", ["-fsyntax-only", _file]) { RedirectStandardError = true })!;
        var said = compiler.StandardError.ReadToEnd();
        compiler.WaitForExit();
        Assert.True(compiler.ExitCode == 0, said);
    }

    [GeneratedRegex("^[A-Z][A-Z0-9_]+$")]
    private static partial Regex NameOfC();
}
