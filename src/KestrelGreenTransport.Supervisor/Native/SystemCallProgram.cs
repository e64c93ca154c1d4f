using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

// The kernel decides by a thread's own ids which users may signal it, and the signal reaches its whole process: if a thread of the
// supervisor took on the workers' user, they could kill the supervisor. So no thread ever does. Whatever must run as another user
// runs in a child, between its start and its execve. .NET cannot run there, and a C program is not available everywhere. But
// the work is only a few system calls with arguments known in advance: this class writes them as a program, which is
// kept in memory (memfd) and started like any other.

/// <summary>
/// A program that makes system calls, one after the other, and stops at the first that fails. It links to nothing and reads no
/// environment, so the environment cannot influence it while it is still root.
/// </summary>
/// <param name="report">The child's descriptor for reporting a failure. If it is closed without a report, all went well.</param>
internal sealed class SystemCallProgram(int report)
{
    private const uint Base = 0x40_0000;
    private const int HeaderSize = 64;
    private const int SegmentSize = 56;
    private const uint DataAt = HeaderSize + (2 * SegmentSize);

    private const uint F_SETFD = 2;
    private const uint FD_CLOEXEC = 1;
    private const uint PR_SET_NO_NEW_PRIVS = 38;

    private readonly List<byte> _data = [];
    private readonly List<(SystemCall Call, uint[] Arguments)> _steps = [];

    /// <summary>The size of a report in bytes: a negative error number and the number of the step, both 64-bit.</summary>
    public const int ReportSize = 16;

    /// <summary>Changes to another user for good: groups first, since they cannot be changed without root.</summary>
    public SystemCallProgram Become(ProcessCredentials credentials)
    {
        Then(SystemCall.setgroups, (uint)credentials.Groups.Length, Place(MemoryMarshal.AsBytes(credentials.Groups.AsSpan())));
        Then(SystemCall.setresgid, credentials.Gid, credentials.Gid, credentials.Gid);
        Then(SystemCall.setresuid, credentials.Uid, credentials.Uid, credentials.Uid);

        // So that a setuid program cannot make it root again.
        return Then(SystemCall.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    }

    public SystemCallProgram Then(SystemCall call, params uint[] arguments)
    {
        _steps.Add((call, arguments));
        return this;
    }

    /// <summary>Stores bytes for a call. Returns their address.</summary>
    public uint Place(ReadOnlySpan<byte> bytes)
    {
        while (_data.Count % sizeof(ulong) != 0)
        {
            _data.Add(0);
        }

        var address = Base + DataAt + (uint)_data.Count;
        _data.AddRange(bytes);
        return address;
    }

    /// <summary>Stores a text as a null-terminated UTF-8 string. Returns its address.</summary>
    public uint Place(string text) => Place([.. Encoding.UTF8.GetBytes(text), 0]);

    /// <summary>The name of the call that a report is about.</summary>
    public string NameOf(int step) => step == _steps.Count ? $"{SystemCall.execve}" : $"{_steps[step].Call}";

    /// <summary>The program, which exits with 0 at its end.</summary>
    public byte[] ToExecutable(Architecture architecture) => ToExecutable(architecture, code => code.Call(_steps.Count, SystemCall.exit_group, [0]));

    /// <summary>The program, which at its end runs its own second argument, passing the arguments from there on and the environment.</summary>
    /// <param name="architecture">The processor architecture.</param>
    /// <param name="arguments">How many arguments it is started with, including its own name.</param>
    public byte[] ToExecutable(Architecture architecture, int arguments) => ToExecutable(architecture, code => code.Exec(_steps.Count, arguments));

    private byte[] ToExecutable(Architecture architecture, Action<MachineCode> end)
    {
        var code = MachineCode.For(architecture);
        code.Failure(report);
        var start = code.ToArray().Length;
        code.Call(0, SystemCall.fcntl, [(uint)report, F_SETFD, FD_CLOEXEC]);
        for (var i = 0; i < _steps.Count; i++)
        {
            code.Call(i, _steps[i].Call, _steps[i].Arguments);
        }

        end(code);

        // arm64 instructions must be aligned.
        _ = Place([]);
        byte[] file = [.. Header(code.Machine, (uint)(_data.Count + start), (uint)(_data.Count + code.ToArray().Length)), .. _data, .. code.ToArray()];
        return file;
    }

    // An ELF file with one readable and executable segment, which includes the headers, and a stack that is not executable.
    private static byte[] Header(ushort machine, uint entry, uint length)
    {
        var header = new byte[DataAt];
        ReadOnlySpan<byte> identity = [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]; // 64 bits, little-endian, version 1
        identity.CopyTo(header);
        Put16(0x10, 2);                         // e_type: fixed addresses
        Put16(0x12, machine);
        Put32(0x14, 1);                         // e_version
        Put32(0x18, Base + DataAt + entry);     // e_entry
        Put32(0x20, HeaderSize);                // e_phoff
        Put16(0x34, HeaderSize);                // e_ehsize
        Put16(0x36, SegmentSize);               // e_phentsize
        Put16(0x38, 2);                         // e_phnum

        const int Code = HeaderSize;
        Put32(Code, 1);                         // PT_LOAD
        Put32(Code + 0x04, 4 | 1);              // read, run
        Put32(Code + 0x10, Base);               // p_vaddr
        Put32(Code + 0x18, Base);               // p_paddr
        Put32(Code + 0x20, DataAt + length);    // p_filesz
        Put32(Code + 0x28, DataAt + length);    // p_memsz
        Put32(Code + 0x30, 0x1_0000);           // p_align: the largest page there is

        const int Stack = HeaderSize + SegmentSize;
        Put32(Stack, 0x6474_E551);              // PT_GNU_STACK
        Put32(Stack + 0x04, 4 | 2);             // read, write
        return header;

        void Put16(int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(at), value);
        void Put32(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(at), value);
    }
}
