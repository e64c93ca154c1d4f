using KestrelGreenTransport.Files;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>The file that all output goes to. It keeps one descriptor number while it is open, even if its path is moved.</summary>
internal sealed class LogFile : IDisposable
{
    private const uint Mode = 0b110_100_000;

    private readonly string _path;
    private readonly SafeFileHandle _file;

    private LogFile(string path, SafeFileHandle file)
    {
        _path = path;
        _file = file;
    }

    public int Number => (int)_file.DangerousGetHandle();

    /// <exception cref="StartupException">It cannot be opened.</exception>
    public static LogFile Open(string path)
    {
        var opened = OpenAt(path);
        return opened.File is { } file
            ? new LogFile(path, file)
            : throw new StartupException(ExitCodes.Usage, $"LogFile ('{path}') cannot be opened: {opened.Why}. {opened.Remedy}");
    }

    /// <summary>Switches to the file that the path names now. Returns what went wrong, in which case the old file stays in use.</summary>
    public string? Reopen()
    {
        var opened = OpenAt(_path);
        using var file = opened.File;
        if (file is null)
        {
            return $"LogFile ('{_path}') cannot be reopened: {opened.Why}. The old file stays in use";
        }

        // In one step, so that no line is written to a closed descriptor.
        _ = Posix.dup3((int)file.DangerousGetHandle(), Number, LibcFiles.O_CLOEXEC);
        return null;
    }

    public void Dispose() => _file.Dispose();

    private static Opened OpenAt(string path) =>
        GuardedFile.Open(Path.GetFullPath(path), LibcFiles.O_WRONLY | LibcFiles.O_APPEND | LibcFiles.O_CREAT, Mode);
}
