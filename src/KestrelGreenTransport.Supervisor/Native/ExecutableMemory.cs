using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>A program in memory that can be started by a path and cannot be changed.</summary>
internal static unsafe class ExecutableMemory
{
    private const uint MFD_CLOEXEC = 1;
    private const uint MFD_ALLOW_SEALING = 2;
    private const uint MFD_EXEC = 0x10;

    private const int F_ADD_SEALS = 1033;
    private const int AllSeals = 1 | 2 | 4 | 8;

    /// <exception cref="NativeException">The kernel does not allow it.</exception>
    public static Descriptor Of(ReadOnlySpan<byte> program)
    {
        // Kernels before 6.3 do not know MFD_EXEC; later ones may require it (vm.memfd_noexec).
        var opened = Result.From(Posix.memfd_create("green-child", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));
        if (opened.Error == Errno.EINVAL)
        {
            opened = Result.From(Posix.memfd_create("green-child", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        }

        if (!opened.Ok)
        {
            throw new NativeException(
                opened.Error == Errno.EACCES
                    ? "memfd_create (vm.memfd_noexec=2 forbids programs in memory: set it to 1, or let the service manager start the supervisor as the workers' user)"
                    : "memfd_create",
                opened);
        }

        var memory = new Descriptor((int)opened.Value);
        fixed (byte* bytes = program)
        {
            var written = Result.From(Libc.write(memory.Number, bytes, (nuint)program.Length));
            var sealedNow = Result.From(Libc.fcntl(memory.Number, F_ADD_SEALS, AllSeals));
            if (written.Value != program.Length || !sealedNow.Ok)
            {
                memory.Dispose();
                throw written.Ok ? new NativeException("fcntl", sealedNow) : new NativeException("write", written);
            }
        }

        return memory;
    }
}
