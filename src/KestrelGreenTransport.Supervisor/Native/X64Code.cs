using System.Buffers.Binary;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>For x64: arguments in rdi, rsi, rdx, r10, r8; the call's number and its result in rax; the step's number in r12.</summary>
internal sealed class X64Code : MachineCode
{
    private static readonly byte[][] MovArgument = [[0xBF], [0xBE], [0xBA], [0x41, 0xBA], [0x41, 0xB8]];

    public override ushort Machine => 62;

    public override void Failure(int report)
    {
        Emit(0x41, 0x54);                           // push r12
        Emit(0x50);                                 // push rax
        Emit([0xBF], (uint)report);                 // mov edi, report
        Emit(0x48, 0x89, 0xE6);                     // mov rsi, rsp
        Emit([0xBA], 16);                           // mov edx, 16
        Emit([0xB8], Number(SystemCall.write));     // mov eax, write
        Emit(0x0F, 0x05);                           // syscall
        Emit([0xBF], 127);                          // mov edi, 127
        Emit([0xB8], Number(SystemCall.exit_group)); // mov eax, exit_group
        Emit(0x0F, 0x05);                           // syscall
    }

    public override void Call(int step, SystemCall call, ReadOnlySpan<uint> arguments)
    {
        Emit([0x41, 0xBC], (uint)step);             // mov r12d, step
        for (var i = 0; i < arguments.Length; i++)
        {
            Emit(MovArgument[i], arguments[i]);     // mov e.., argument; it clears the upper half
        }

        Emit([0xB8], Number(call));                 // mov eax, number
        Emit(0x0F, 0x05);                           // syscall
        Emit(0x48, 0x85, 0xC0);                     // test rax, rax
        Emit([0x0F, 0x88], ToFailure(6));           // js failure
    }

    // At its start the stack holds the argument count, the arguments, null, and the environment.
    public override void Exec(int step, int arguments)
    {
        Emit([0x41, 0xBC], (uint)step);             // mov r12d, step
        Emit(0x48, 0x8B, 0x7C, 0x24, 0x10);         // mov rdi, [rsp + 16]
        Emit(0x48, 0x8D, 0x74, 0x24, 0x10);         // lea rsi, [rsp + 16]
        Emit([0x48, 0x8D, 0x94, 0x24], (uint)(8 * (arguments + 2))); // lea rdx, [rsp + environment]
        Emit([0xB8], Number(SystemCall.execve));    // mov eax, execve
        Emit(0x0F, 0x05);                           // syscall
        Emit([0xE9], ToFailure(5));                 // jmp failure
    }

    private static uint Number(SystemCall call) => (uint)SystemCalls.NumberOf(call, Architecture.X64);

    // Relative to the end of the instruction.
    private uint ToFailure(int length) => (uint)-(Bytes.Count + length);

    private void Emit(params ReadOnlySpan<byte> instruction) => Bytes.AddRange(instruction);

    private void Emit(ReadOnlySpan<byte> instruction, uint constant)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, constant);
        Bytes.AddRange(instruction);
        Bytes.AddRange(bytes);
    }
}
