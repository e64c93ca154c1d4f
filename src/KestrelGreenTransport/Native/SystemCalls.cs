using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Native;

/// <summary>Makes system calls by their numbers: those that the C library does not have, or makes for all threads at once.</summary>
internal static class SystemCalls
{
    public static Result Make(SystemCall call, nint first = 0, nint second = 0, nint third = 0, nint fourth = 0) =>
        Result.FromRaw(syscall(NumberOf(call, RuntimeInformation.ProcessArchitecture), first, second, third, fourth));

    /// <summary>The number of a call; -1, for which the kernel returns ENOSYS, on an architecture whose numbers we do not know.</summary>
    public static int NumberOf(SystemCall call, Architecture architecture) => architecture switch
    {
        Architecture.X64 => (int)call & 0xFFFF,
        Architecture.Arm64 or Architecture.RiscV64 or Architecture.LoongArch64 => (int)call >> 16,

        // Newer calls have the same number everywhere.
        _ when ((int)call & 0xFFFF) == (int)call >> 16 => (int)call >> 16,
        _ => -1,
    };

    [DllImport("libc")]
    private static extern nint syscall(nint number, nint first, nint second, nint third, nint fourth);
}
