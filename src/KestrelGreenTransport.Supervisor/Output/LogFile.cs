using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>The file that everything is written to, under one descriptor for as long as it is open, whatever its path names by then.</summary>
internal sealed class LogFile : IDisposable
{
    private const uint Mode = 0b110_100_000;

    private readonly string _path;
    private readonly Descriptor _file;

    private LogFile(string path, Descriptor file)
    {
        _path = path;
        _file = file;
    }

    public int Number => _file.Number;

    /// <exception cref="StartupException">It cannot be opened.</exception>
    public static LogFile Open(string path)
    {
        var opened = OpenAt(path);
        return opened.Ok
            ? new LogFile(path, new Descriptor((int)opened.Value))
            : throw new StartupException(ExitCodes.Usage, $"LogFile ('{path}') cannot be opened: {opened.Message}. Its folder must exist, and this user must be allowed to write there.");
    }

    /// <summary>Goes on in the file that the path names now; returns what is wrong, and then the old one stays.</summary>
    public string? Reopen()
    {
        var opened = OpenAt(_path);
        if (!opened.Ok)
        {
            return $"LogFile ('{_path}') cannot be opened anew: {opened.Message}. The old file is written on";
        }

        // In one step, so that nobody ever writes to a descriptor that is not there.
        _ = Posix.dup3((int)opened.Value, _file.Number, Posix.O_CLOEXEC);
        _ = Libc.close((int)opened.Value);
        return null;
    }

    public void Dispose() => _file.Dispose();

    private static Result OpenAt(string path) =>
        Result.From(Posix.open(path, Posix.O_WRONLY | Posix.O_APPEND | Posix.O_CREAT | Posix.O_CLOEXEC, Mode));
}
