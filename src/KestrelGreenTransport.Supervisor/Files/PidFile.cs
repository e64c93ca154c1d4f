using System.Globalization;
using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Files;

/// <summary>
/// The file with the supervisor's pid. Whoever holds its lock is the one that runs: a file that a killed supervisor left
/// is not locked, and is taken over, whatever pid stands in it.
/// </summary>
internal sealed class PidFile : IDisposable
{
    private const uint Mode = 0b110_100_100;

    private readonly Descriptor _file;
    private volatile bool _isLetGo;

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
            var opened = Result.From(Posix.open(path, Posix.O_RDWR | Posix.O_CREAT | LibcFiles.O_NOFOLLOW | Posix.O_CLOEXEC, Mode));
            if (!opened.Ok)
            {
                throw new StartupException(ExitCodes.Usage, $"PidFile ('{path}') cannot be opened: {opened.Message}. Its folder must exist, and this user must be allowed to write there.");
            }

            var file = new Descriptor((int)opened.Value);
            if (!Lock(file).Ok)
            {
                var holder = Read(path);
                file.Dispose();
                throw new StartupException(ExitCodes.Usage, $"PidFile ('{path}') is held by a supervisor that runs{(holder.Length > 0 ? $" (pid {holder})" : "")}. Stop it, or choose another file.");
            }

            // Its last holder may have removed it between the two steps: then the lock is on a file that nobody finds.
            if (ProcFs.IsSameFile(file.Number, path))
            {
                var ours = new PidFile(path, file);
                ours.Write();
                return ours;
            }

            file.Dispose();
        }
    }

    /// <summary>What stands in the file of a supervisor that runs; null when nobody holds it. Nothing is changed.</summary>
    public static string? HolderOf(string path)
    {
        var opened = Result.From(Posix.open(path, Posix.O_RDWR | LibcFiles.O_NOFOLLOW | Posix.O_CLOEXEC, 0));
        if (!opened.Ok)
        {
            return null;
        }

        using var file = new Descriptor((int)opened.Value);
        return Lock(file).Ok ? null : Read(path);
    }

    /// <summary>Removes it while the lock is still held, so that it cannot be another's by then.</summary>
    public void Dispose()
    {
        if (!_isLetGo && ProcFs.IsSameFile(_file.Number, Path))
        {
            File.Delete(Path);
        }

        _file.Dispose();
    }

    /// <summary>The file that another supervisor holds for as long as it likes; its lock is ours too.</summary>
    public static PidFile Share(string path, int descriptor) => new(path, new Descriptor(descriptor)) { _isLetGo = true };

    /// <summary>It is ours from now on.</summary>
    public void TakeOver()
    {
        _isLetGo = false;
        Write();
    }

    /// <summary>It is another supervisor's from now on.</summary>
    public void LetGo() => _isLetGo = true;

    // Of the open file, so that a successor shares it by the descriptor; and not flock(2), which .NET programs take to read.
    private static unsafe Result Lock(Descriptor file)
    {
        var all = new Posix.FileLock { l_type = Posix.F_WRLCK };
        return Result.From(Libc.fcntl(file.Number, Posix.F_OFD_SETLK, (nint)(&all)));
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (IOException)
        {
            return "";
        }
    }

    private unsafe void Write()
    {
        var text = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n"));
        _ = Posix.ftruncate(_file.Number, 0);
        fixed (byte* start = text)
        {
            var written = Result.From(Posix.pwrite(_file.Number, start, (nuint)text.Length, 0));
            if (!written.Ok)
            {
                throw new StartupException(ExitCodes.Usage, $"PidFile ('{Path}') cannot be written: {written.Message}.");
            }
        }
    }
}
