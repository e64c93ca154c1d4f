using System.Buffers.Binary;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>For arm64: arguments and result in x0 to x4, the call's number in x8, the step's number in x19.</summary>
internal sealed class Arm64Code : MachineCode
{
    private const uint Svc = 0xD4000001;
    private const int Step = 19;
    private const int CallNumber = 8;

    public override ushort Machine => 183;

    public override void Failure(int report)
    {
        Emit(0xA9BF4FE0);                           // stp x0, x19, [sp, #-16]!
        Mov(0, (uint)report);                       // mov w0, report
        Emit(0x910003E1);                           // mov x1, sp
        Mov(2, 16);                                 // mov w2, 16
        Mov(CallNumber, Number(SystemCall.write));  // mov w8, write
        Emit(Svc);                                  // svc #0
        Mov(0, 127);                                // mov w0, 127
        Mov(CallNumber, Number(SystemCall.exit_group)); // mov w8, exit_group
        Emit(Svc);                                  // svc #0
    }

    public override void Call(int step, SystemCall call, ReadOnlySpan<uint> arguments)
    {
        Mov(Step, (uint)step);                      // mov w19, step
        for (var i = 0; i < arguments.Length; i++)
        {
            Mov(i, arguments[i]);                   // mov w.., argument; it clears the upper half
        }

        Mov(CallNumber, Number(call));              // mov w8, number
        Emit(Svc);                                  // svc #0
        Emit(0xB7F80000 | ((ToFailure & 0x3FFF) << 5)); // tbnz x0, #63, failure
    }

    // At its start the stack holds the argument count, the arguments, null, and the environment.
    public override void Exec(int step, int arguments)
    {
        Mov(Step, (uint)step);                      // mov w19, step
        Emit(0xF9400BE0);                           // ldr x0, [sp, #16]
        Emit(0x910043E1);                           // add x1, sp, #16
        Mov(2, (uint)(8 * (arguments + 2)));        // mov w2, environment
        Emit(0x8B2263E2);                           // add x2, sp, x2
        Mov(CallNumber, Number(SystemCall.execve)); // mov w8, execve
        Emit(Svc);                                  // svc #0
        Emit(0x14000000 | (ToFailure & 0x3FFFFFF)); // b failure
    }

    private static uint Number(SystemCall call) => (uint)SystemCalls.NumberOf(call, Architecture.Arm64);

    // Relative to the instruction, in instructions.
    private uint ToFailure => (uint)-(Bytes.Count / sizeof(uint));

    private void Mov(int register, uint constant)
    {
        Emit(0x52800000 | ((constant & 0xFFFF) << 5) | (uint)register);  // movz w.., low half
        Emit(0x72A00000 | ((constant >> 16) << 5) | (uint)register);     // movk w.., high half, lsl #16
    }

    private void Emit(uint instruction)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, instruction);
        Bytes.AddRange(bytes);
    }
}
