using KestrelGreenTransport.Files;
using KestrelGreenTransport.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.AccessLogging;

/// <summary>
/// Where the lines go. One write arrives in one piece between the writes of other processes: in a file because it is opened
/// for appending, in a pipe if it is not longer than <see cref="Atomic"/>.
/// </summary>
internal sealed class AccessLogTarget : IDisposable
{
    // PIPE_BUF on Linux: the longest write to a pipe that the kernel never mixes with those of others.
    private const int PipeAtomic = 4096;

    // rw-r-----, before the umask.
    private const uint Mode = 0b110_100_000;

    private readonly string? _path;
    private Stream _stream;

    private AccessLogTarget(Stream stream, int atomic, string? path = null) => (_stream, Atomic, _path) = (stream, atomic, path);

    /// <summary>The most bytes to write at once, unless a single line is longer.</summary>
    public int Atomic { get; }

    /// <summary>Its name in messages.</summary>
    public string Name => _path ?? "standard output";

    public static AccessLogTarget OfStandardOutput() => new(Console.OpenStandardOutput(), PipeAtomic);

    /// <summary>A pipe that no other process writes to. The descriptor stays open: another host of this process may need it later.</summary>
    public static AccessLogTarget OfDescriptor(int descriptor) =>
        new(new FileStream(new SafeFileHandle(descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0), int.MaxValue);

    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be opened.</exception>
    public static AccessLogTarget OfFile(string path) => new(OpenFile(path), int.MaxValue, path);

    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> lines) => _stream.Write(lines);

    /// <summary>Continues in the file that the path names now. If that cannot be opened, the old one stays.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be opened.</exception>
    public void Reopen()
    {
        if (_path is not null)
        {
            var old = _stream;
            _stream = OpenFile(_path);
            old.Dispose();
        }
    }

    public void Dispose() => _stream.Dispose();

    private static FileStream OpenFile(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }

        // FileMode.Append only begins at the end. With O_APPEND the kernel appends each write, whatever offset FileStream asks
        // for (pwrite(2), BUGS), and no other process's line comes in between.
        const int How = LibcFiles.O_WRONLY | LibcFiles.O_APPEND | LibcFiles.O_CREAT | LibcFiles.O_CLOEXEC;
        if (Libc.geteuid() == 0)
        {
            // Root may write anywhere: a link that another user has put there must not redirect it.
            var guarded = GuardedFile.Open(Path.GetFullPath(path), How, Mode);
            return guarded.File is { } file ? new FileStream(file, FileAccess.Write, bufferSize: 0) : throw new IOException(guarded.Why);
        }

        var opened = Result.From(LibcFiles.open(path, How, Mode));
        return opened.Ok
            ? new FileStream(new SafeFileHandle((nint)opened.Value, ownsHandle: true), FileAccess.Write, bufferSize: 0)
            : throw new IOException(opened.Message);
    }
}
