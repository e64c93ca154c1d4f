using System.Globalization;
using System.Text;
using KestrelGreenTransport.Files;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Files;

/// <summary>
/// The file with the supervisor's pid. The supervisor that holds its write lock is the running one: a file left by a killed
/// supervisor is not locked, and is taken over, whatever pid it contains.
///
/// Any user may read the file, and so may hold a read lock on it for as long as they like. That does not make a supervisor: the
/// file is then replaced by a new one.
/// </summary>
internal sealed class PidFile : HandedOver, IDisposable
{
    private const uint Mode = 0b110_100_100;
    private const int LongestNumber = 16;

    private readonly Descriptor _file;

    private PidFile(string path, Descriptor file)
    {
        Path = path;
        _file = file;
    }

    public string Path { get; }

    public int Number => _file.Number;

    /// <summary>Takes the file and writes this process's pid.</summary>
    /// <exception cref="StartupException">Another supervisor holds it, or it cannot be written.</exception>
    public static PidFile Take(string path)
    {
        while (true)
        {
            var file = Open(path, LibcFiles.O_RDWR | LibcFiles.O_CREAT);
            if (!Lock(file).Ok)
            {
                if (!IsHeld(file))
                {
                    using (file)
                    {
                        Displace(path, file);
                    }

                    continue;
                }

                var holder = Read(file);
                file.Dispose();
                throw new StartupException(ExitCodes.Usage, $"PidFile ('{path}') is held by a running supervisor{(holder.Length > 0 ? $" (pid {holder})" : "")}. Stop it, or choose another file.");
            }

            // Its last holder may have removed the file between open and lock: then the lock is on a file without a name.
            if (ProcFs.IsSameFile(file, path))
            {
                var ours = new PidFile(path, file);
                ours.Write();
                return ours;
            }

            file.Dispose();
        }
    }

    /// <summary>The content of the file if a running supervisor holds it; null otherwise. Changes and locks nothing.</summary>
    public static string? HolderOf(string path)
    {
        if (GuardedFile.Open(System.IO.Path.GetFullPath(path), LibcFiles.O_RDONLY | LibcFiles.O_NONBLOCK, 0).File is not { } handle)
        {
            return null;
        }

        using var file = Descriptor.Of(handle);
        return IsHeld(file) ? Read(file) : null;
    }

    /// <summary>Removes the file while the lock is still held, so that it cannot belong to another supervisor by then.</summary>
    public void Dispose()
    {
        if (IsOurs && ProcFs.IsSameFile(_file, Path) && Folder.OpenOf(System.IO.Path.GetFullPath(Path), out var folder, out var name).Ok && folder is not null)
        {
            using (folder)
            {
                _ = folder.Remove(name);
            }
        }

        _file.Dispose();
    }

    /// <summary>A file that another supervisor still holds, until <see cref="TakeOver"/>; its lock is ours too.</summary>
    public static PidFile Share(string path, int descriptor) => new(path, new Descriptor(descriptor)) { IsOurs = false };

    public override void TakeOver()
    {
        base.TakeOver();
        Write();
    }

    // A lock of the open file, so that a successor shares it by the descriptor. Not flock(2), which .NET programs take to read a file.
    private static unsafe Result Lock(Descriptor file)
    {
        var all = new Posix.FileLock { l_type = Posix.F_WRLCK };
        return Result.From(Libc.fcntl(file.Number, Posix.F_OFD_SETLK, (nint)(&all)));
    }

    private static Descriptor Open(string path, int flags)
    {
        var opened = GuardedFile.Open(System.IO.Path.GetFullPath(path), flags, Mode);
        return opened.File is { } file
            ? Descriptor.Of(file)
            : throw new StartupException(ExitCodes.Usage, $"PidFile ('{path}') cannot be opened: {opened.Why}. {opened.Remedy}");
    }

    // Only a write lock conflicts with a read lock.
    private static unsafe bool IsHeld(Descriptor file)
    {
        var all = new Posix.FileLock { l_type = Posix.F_RDLCK };
        return Result.From(Libc.fcntl(file.Number, Posix.F_OFD_GETLK, (nint)(&all))).Ok && all.l_type == Posix.F_WRLCK;
    }

    // Renamed first and checked afterwards: another supervisor may have just replaced the file, and be running with its own.
    private static void Displace(string path, Descriptor locked)
    {
        var aside = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}");
        var moved = Result.From(Posix.rename(path, aside));
        if (moved is { Ok: false, Error: not Errno.ENOENT })
        {
            throw new StartupException(ExitCodes.Usage, $"PidFile ('{path}') is locked for reading by another process and cannot be replaced: {moved.Message}. Choose another file.");
        }

        if (moved.Ok && !ProcFs.IsSameFile(locked, aside))
        {
            _ = Posix.link(aside, path);
        }

        _ = Posix.unlink(aside);
    }

    private static string Read(Descriptor file)
    {
        var text = new byte[LongestNumber];
        using var handle = new SafeFileHandle(file.Number, ownsHandle: false);
        return RecordFile.Read(handle, text, 0) is { Ok: true, Value: var count } ? Encoding.ASCII.GetString(text, 0, (int)count).Trim() : "";
    }

    private unsafe void Write()
    {
        var text = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n"));
        _ = Posix.ftruncate(_file.Number, 0);
        fixed (byte* start = text)
        {
            var written = Result.From(LibcFiles.pwrite(_file, start, (nuint)text.Length, 0));
            if (!written.Ok)
            {
                throw new StartupException(ExitCodes.Usage, $"PidFile ('{Path}') cannot be written: {written.Message}.");
            }
        }
    }
}
