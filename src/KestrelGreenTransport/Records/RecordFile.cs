using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Records;

/// <summary>
/// Reads and writes small records at fixed places of a file.
///
/// Only by pread and pwrite, never through a mapping: reading a truncated mapping kills a .NET process, and cannot be caught.
/// Failures are returned, not thrown.
/// </summary>
internal static unsafe class RecordFile
{
    private const uint OwnerOnly = 0b110_000_000;

    // Without O_NONBLOCK, opening a FIFO that was put there would hang the caller.
    private static readonly int Flags = LibcFiles.O_CLOEXEC | LibcFiles.O_NOFOLLOW | LibcFiles.O_NONBLOCK;

    /// <summary>Opens a file that the supervisor made, or creates it with mode 0600 if it did not.</summary>
    /// <param name="path">Its path; a symbolic link in the last part is refused.</param>
    /// <param name="file">The open file, which the caller disposes, or null.</param>
    public static Result OpenForWriting(string path, out SafeFileHandle? file)
    {
        var opened = Open(path, LibcFiles.O_RDWR);
        if (opened.Error == Errno.ENOENT)
        {
            // Only if it is missing: with O_CREAT the kernel may refuse an existing file in a sticky directory.
            opened = Open(path, LibcFiles.O_RDWR | LibcFiles.O_CREAT);
        }

        file = Handle(opened);
        return opened;
    }

    public static Result OpenForReading(string path, out SafeFileHandle? file)
    {
        var opened = Open(path, LibcFiles.O_RDONLY);
        file = Handle(opened);
        return opened;
    }

    /// <summary>Reads what is there, perhaps less than asked for.</summary>
    public static Result Read(SafeFileHandle file, Span<byte> destination, long offset)
    {
        fixed (byte* buffer = destination)
        {
            return Result.From(LibcFiles.pread(file, buffer, (nuint)destination.Length, offset));
        }
    }

    /// <summary>Writes the whole record; if only part of it fits, the disk is full.</summary>
    public static Result Write(SafeFileHandle file, ReadOnlySpan<byte> record, long offset)
    {
        fixed (byte* buffer = record)
        {
            var written = Result.From(LibcFiles.pwrite(file, buffer, (nuint)record.Length, offset));
            return written.Ok && written.Value != record.Length ? new Result(-1, Errno.ENOSPC) : written;
        }
    }

    /// <summary>Whether the open file has no name any more: a process that opens it by path does not get it.</summary>
    public static bool IsDeleted(SafeHandle file) =>
        LibcFiles.StatusOf(file) is { stx_nlink: 0 } status && (status.stx_mask & LibcFiles.STATX_NLINK) != 0;

    private static Result Open(string path, int mode) => Result.From(LibcFiles.open(path, mode | Flags, OwnerOnly));

    private static SafeFileHandle? Handle(Result opened) =>
        opened.Ok ? new SafeFileHandle((nint)opened.Value, ownsHandle: true) : null;
}
