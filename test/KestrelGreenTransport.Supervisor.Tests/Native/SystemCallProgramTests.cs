using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Tests.Native;

public sealed class SystemCallProgramTests : IDisposable
{
    // The GNU assembler's output for these lines, for a program that calls umask(0x1234fffe) and runs its second argument of three.
    private const string X64 = """
        4154 push r12
        50 push rax
        bf05000000 mov edi,0x5
        4889e6 mov rsi,rsp
        ba10000000 mov edx,0x10
        b801000000 mov eax,0x1
        0f05 syscall
        bf7f000000 mov edi,0x7f
        b8e7000000 mov eax,0xe7
        0f05 syscall
        41bc00000000 mov r12d,0x0
        bf05000000 mov edi,0x5
        be02000000 mov esi,0x2
        ba01000000 mov edx,0x1
        b848000000 mov eax,0x48
        0f05 syscall
        4885c0 test rax,rax
        0f88b8ffffff js 0 <fail>
        41bc00000000 mov r12d,0x0
        bffeff3412 mov edi,0x1234fffe
        b85f000000 mov eax,0x5f
        0f05 syscall
        4885c0 test rax,rax
        0f889dffffff js 0 <fail>
        41bc01000000 mov r12d,0x1
        488b7c2410 mov rdi,QWORD PTR [rsp+0x10]
        488d742410 lea rsi,[rsp+0x10]
        488d942428000000 lea rdx,[rsp+0x28]
        b83b000000 mov eax,0x3b
        0f05 syscall
        e979ffffff jmp 0 <fail>
        """;

    private const string Arm64 = """
        e04fbfa9 stp x0, x19, [sp, #-16]!
        a0008052 movz w0, #5
        0000a072 movk w0, #0, lsl #16
        e1030091 mov x1, sp
        02028052 movz w2, #16
        0200a072 movk w2, #0, lsl #16
        08088052 movz w8, #64
        0800a072 movk w8, #0, lsl #16
        010000d4 svc #0
        e00f8052 movz w0, #127
        0000a072 movk w0, #0, lsl #16
        c80b8052 movz w8, #94
        0800a072 movk w8, #0, lsl #16
        010000d4 svc #0
        13008052 movz w19, #0
        1300a072 movk w19, #0, lsl #16
        a0008052 movz w0, #5
        0000a072 movk w0, #0, lsl #16
        41008052 movz w1, #2
        0100a072 movk w1, #0, lsl #16
        22008052 movz w2, #1
        0200a072 movk w2, #0, lsl #16
        28038052 movz w8, #25
        0800a072 movk w8, #0, lsl #16
        010000d4 svc #0
        e0fcffb7 tbnz x0, #63, fail
        13008052 movz w19, #0
        1300a072 movk w19, #0, lsl #16
        c0ff9f52 movz w0, #0xfffe
        8046a272 movk w0, #0x1234, lsl #16
        c8148052 movz w8, #166
        0800a072 movk w8, #0, lsl #16
        010000d4 svc #0
        e0fbffb7 tbnz x0, #63, fail
        33008052 movz w19, #1
        1300a072 movk w19, #0, lsl #16
        e00b40f9 ldr x0, [sp, #16]
        e1430091 add x1, sp, #16
        02058052 movz w2, #40
        0200a072 movk w2, #0, lsl #16
        e263228b add x2, sp, x2
        a81b8052 movz w8, #221
        0800a072 movk w8, #0, lsl #16
        010000d4 svc #0
        d4ffff17 b fail
        """;

    private const int HeaderSize = 176;
    private const uint Nobody = 65534;

    private static readonly ProcessCredentials User = new(Nobody, Nobody, [Nobody, 65533]);

    private readonly string _folder = Directory.CreateTempSubdirectory("green-calls-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(Architecture.X64, 62, X64)]
    [InlineData(Architecture.Arm64, 183, Arm64)]
    public void Each_instruction_is_what_an_assembler_makes_of_it(Architecture architecture, int machine, string listing)
    {
        var executable = new SystemCallProgram(report: 5).Then(SystemCall.umask, 0x1234_FFFE).ToExecutable(architecture, arguments: 3);

        Assert.Equal(machine, executable[18]);
        Assert.Equal(string.Concat(listing.Split('\n').Select(static line => line.Split(' ')[0])), Convert.ToHexStringLower(executable[HeaderSize..]));
    }

    [Fact]
    public void On_other_processors_it_says_so() =>
        Assert.Contains("x64 and arm64", Assert.Throws<NativeException>(() => new SystemCallProgram(3).ToExecutable(Architecture.S390x)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_child_is_another_user_by_all_ids_and_may_never_become_more()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Equal($"as user {Nobody}, group {Nobody}: setgroups: Operation not permitted", Shell("exit 0").Error);
            return;
        }

        var (output, error) = Shell("cat /proc/$$/status; echo; cat /proc/$$/stat; ls /proc/$$/fd");
        Assert.Null(error);
        var parts = output.Split("\n\n");
        var facts = parts[0].Split('\n').Select(static line => line.Split(':', 2)).ToDictionary(static pair => pair[0], static pair => string.Join(' ', pair[1].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal("65534 65534 65534 65534", facts["Uid"]);
        Assert.Equal("65534 65534 65534 65534", facts["Gid"]);
        Assert.Equal(["65533", "65534"], facts["Groups"].Split(' ').Order());
        Assert.Equal("1", facts["NoNewPrivs"]);
        Assert.All((string[])["CapPrm", "CapEff", "CapAmb"], set => Assert.Equal("0000000000000000", facts[set]));

        // It has its own session, and does not have the descriptor of the pipe for the report.
        var lines = parts[1].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var stat = lines[0].Split(' ');
        Assert.Equal([stat[0], stat[0], stat[0]], [facts["Pid"], stat[4], stat[5]]);
        Assert.DoesNotContain("3", lines[1..]);
    }

    [Fact]
    public void What_cannot_be_run_as_another_user_is_an_error_of_the_call_itself()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        var closed = Directory.CreateDirectory(Path.Combine(_folder, "closed"), UnixFileMode.UserRead | UnixFileMode.UserExecute).FullName;

        Assert.Equal("No such file or directory", Spawn.Start(Request("/nowhere/at/all")).Error);
        Assert.Equal($"as user {Nobody}, group {Nobody}: chdir: Permission denied", Spawn.Start(Request("/bin/true") with { WorkingDirectory = closed }).Error);
    }

    [Fact]
    public void Variables_of_the_loader_do_nothing_while_a_child_is_still_root()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        // A loader would name the library that it cannot find. The shell's loader does, once; no other may.
        var (output, error) = Shell("echo started", new Dictionary<string, string> { ["LD_PRELOAD"] = "/nowhere/lib.so", ["PATH"] = "/usr/bin:/bin" });

        Assert.Null(error);
        Assert.Contains("started", output, StringComparison.Ordinal);
        Assert.InRange(output.Split("/nowhere/lib.so").Length - 1, 0, 1);
    }

    private static SpawnRequest Request(string fileName) => new()
    {
        FileName = fileName,
        Arguments = [],
        Descriptors = [],
        Environment = new Dictionary<string, string>(),
        RunAs = User,
    };

    private static unsafe (string Output, string? Error) Shell(string script, Dictionary<string, string>? environment = null)
    {
        var (read, write) = Descriptor.Pipe();
        using (read)
        {
            var spawned = Spawn.Start(Request("/bin/sh") with
            {
                Arguments = ["-c", script],
                Descriptors = [(write.Number, 1), (write.Number, 2)],
                Environment = environment ?? new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" },
            });
            write.Dispose();
            if (spawned.Process is not { } process)
            {
                return ("", spawned.Error);
            }

            using (process)
            {
                Assert.True(process.WaitForEnd(TimeSpan.FromMinutes(1)));
                _ = process.Reap();
            }

            Span<byte> buffer = new byte[64 * 1024];
            fixed (byte* start = buffer)
            {
                var count = Libc.read(read.Number, start, (nuint)buffer.Length);
                return (System.Text.Encoding.UTF8.GetString(buffer[..(int)Math.Max(0, count)]), null);
            }
        }
    }
}
