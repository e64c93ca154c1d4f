using System.Globalization;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Building;

// Nothing that a worker has loaded is ever built over: .NET maps its files, and a mapped file that is overwritten in place
// kills the process. So workers run from a copy of what was built, and each build gets a new one.

/// <summary>Copies of what a project was built to, in a temporary folder that goes with this supervisor.</summary>
internal sealed class BuildFolders : IDisposable
{
    private const string Prefix = "green-build-";
    private const UnixFileMode ForEveryone =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    // What `dotnet publish` leaves inside the build output.
    private const string Published = "publish";

    // Younger ones may belong to somebody who has not locked them yet.
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private string? _root;
    private Descriptor? _hold;
    private int _last;

    /// <summary>Copies a build's output; returns the new folder.</summary>
    /// <exception cref="IOException">It cannot be copied.</exception>
    public string Keep(string output)
    {
        lock (_lock)
        {
            _root ??= MakeRoot();
            var folder = Path.Combine(_root, (++_last).ToString(CultureInfo.InvariantCulture));
            Copy(output, folder, except: Published);
            return folder;
        }
    }

    /// <summary>Deletes a copy that no worker runs from any more.</summary>
    public static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is temporary, and goes with the others at the end.
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_root is { } root)
            {
                Remove(root);
                _hold?.Dispose();
                (_root, _hold) = (null, null);
            }
        }
    }

    private string MakeRoot()
    {
        foreach (var old in Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            RemoveLeftover(old);
        }

        var root = Directory.CreateTempSubdirectory(Prefix).FullName;
        _hold = Hold(root);

        // The workers may be somebody else.
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(root, ForEveryone);
        }

        return root;
    }

    // A supervisor that was killed left it: whoever lives holds its own.
    private static void RemoveLeftover(string folder)
    {
        if (TimeProvider.System.GetUtcNow().UtcDateTime - Directory.GetLastWriteTimeUtc(folder) < LeftoverAge)
        {
            return;
        }

        using var hold = Hold(folder);
        if (hold is not null)
        {
            Remove(folder);
        }
    }

    private static Descriptor? Hold(string folder)
    {
        var opened = Result.From(Posix.open(folder, LibcFiles.O_DIRECTORY | LibcFiles.O_NOFOLLOW | Posix.O_CLOEXEC, 0));
        if (!opened.Ok)
        {
            return null;
        }

        var descriptor = new Descriptor((int)opened.Value);
        if (Result.From(Posix.flock(descriptor.Number, Posix.LOCK_EX | Posix.LOCK_NB)).Ok)
        {
            return descriptor;
        }

        descriptor.Dispose();
        return null;
    }

    private static void Copy(string from, string to, string? except = null)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }

        foreach (var folder in Directory.EnumerateDirectories(from).Where(folder => Path.GetFileName(folder) != except))
        {
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
        }
    }
}
