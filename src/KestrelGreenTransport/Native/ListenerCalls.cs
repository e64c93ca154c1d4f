using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Native;

/// <summary>Calls that query or configure a listening socket.</summary>
internal static unsafe partial class ListenerCalls
{
    private const int SO_ATTACH_FILTER = 26;
    private const int IPPROTO_TCP = 6;
    private const int TCP_INFO = 11;

    // struct tcp_info: eight bytes of flags, then 32-bit fields. For a listener, tcpi_unacked is the accept queue.
    private const int UnackedOffset = 24;

    /// <summary>
    /// Makes the kernel drop packets that would open another connection (SYN), while handshakes that have begun complete. A
    /// client whose SYN is dropped sends it again after a second, and is then refused if the socket is closed.
    /// </summary>
    public static Result DropNewClients(int descriptor)
    {
        // Classic BPF over the TCP header: load byte 13, the flags; if SYN is set, keep nothing of the packet, otherwise all.
        var code = stackalloc Instruction[4];
        code[0] = new Instruction { Code = 0x30, Operand = 13 };
        code[1] = new Instruction { Code = 0x45, IfTrue = 0, IfFalse = 1, Operand = 0x02 };
        code[2] = new Instruction { Code = 0x06, Operand = 0 };
        code[3] = new Instruction { Code = 0x06, Operand = 0x40000 };
        var program = new Program { Length = 4, Code = code };
        return Result.From(setsockopt(descriptor, Libc.SOL_SOCKET, SO_ATTACH_FILTER, &program, (uint)sizeof(Program)));
    }

    /// <summary>How many connections wait in a TCP listener's accept queue; 0 if the kernel does not say.</summary>
    public static long Queued(int descriptor)
    {
        var info = stackalloc byte[UnackedOffset + sizeof(uint)];
        var length = UnackedOffset + sizeof(uint);
        return Libc.getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, info, &length) == 0 && length == UnackedOffset + sizeof(uint)
            ? *(uint*)(info + UnackedOffset)
            : 0;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int fd, int level, int name, void* value, uint length);

    [StructLayout(LayoutKind.Sequential)]
    private struct Instruction
    {
        public ushort Code;
        public byte IfTrue;
        public byte IfFalse;
        public uint Operand;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Program
    {
        public ushort Length;
        public Instruction* Code;
    }
}
