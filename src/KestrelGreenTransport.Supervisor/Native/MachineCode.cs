using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

// A program is a straight line of system calls with constant arguments. Processors differ in how a constant is loaded into a
// register, how the kernel is called and how the calls are numbered. All of that is in the two derived classes, one
// instruction per line.

/// <summary>Writes the instructions of a <see cref="SystemCallProgram"/> for one processor architecture.</summary>
internal abstract class MachineCode
{
    /// <summary>e_machine of the ELF header.</summary>
    public abstract ushort Machine { get; }

    protected List<byte> Bytes { get; } = [];

    /// <exception cref="NativeException">The architecture is not supported.</exception>
    public static MachineCode For(Architecture architecture) => architecture switch
    {
        Architecture.X64 => new X64Code(),
        Architecture.Arm64 => new Arm64Code(),
        _ => throw new NativeException($"starting a process as another user on {architecture}; only x64 and arm64 are supported", new Result(-1, Errno.ENOSYS)),
    };

    /// <summary>The end of a program that failed: writes the call's result and the step's number, 8 bytes each, and exits.</summary>
    /// <param name="report">The descriptor to write to.</param>
    public abstract void Failure(int report);

    /// <summary>A call; if it fails, it jumps to <see cref="Failure"/>, which must have been written before.</summary>
    public abstract void Call(int step, SystemCall call, ReadOnlySpan<uint> arguments);

    /// <summary>execve of the program's own second argument, passing the arguments from there on and the environment.</summary>
    /// <param name="step">The step's number.</param>
    /// <param name="arguments">How many arguments the program itself gets, including its name.</param>
    public abstract void Exec(int step, int arguments);

    public byte[] ToArray() => [.. Bytes];
}
