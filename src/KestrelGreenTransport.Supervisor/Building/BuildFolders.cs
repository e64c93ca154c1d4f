using System.Globalization;
using KestrelGreenTransport.Files;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Building;

// Never build over files that a worker has loaded: .NET maps them, and overwriting a mapped file in place
// kills the process. So workers run from a copy of the build output, and each build gets a new copy.

/// <summary>Copies of a project's build output, in a temporary folder that is deleted with this supervisor.</summary>
/// <param name="temporary">The folder for temporary files.</param>
internal sealed class BuildFolders(string temporary) : IDisposable
{
    private const string Prefix = "green-build-";

    // The workers may run as another user.
    private const uint ForEveryone = 0b111_101_101;

    // What `dotnet publish` leaves inside the build output.
    private const string Published = "publish";

    // A younger folder may belong to a supervisor that has not locked it yet.
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

    /// <summary>Deletes a copy that no worker uses any more.</summary>
    public static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is temporary, and is deleted with the others at the end.
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
        var opened = Folder.Open(Path.GetFullPath(temporary), out var above);
        using (above)
        {
            if (above is null or { OwnAccess: FolderAccess.Others })
            {
                throw new IOException(above is null
                    ? $"the build output cannot be stored in {temporary}: {opened.Message}"
                    : $"other users could replace the build output in {temporary}: set TMPDIR to a folder that only this user can write to, or to one with the sticky bit");
            }

            foreach (var old in above.Names.Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal)))
            {
                RemoveLeftover(above, old);
            }

            var name = $"{Prefix}{Guid.NewGuid():N}"[..(Prefix.Length + 12)];
            var made = above.MakeIn(name, ForEveryone, out var root);
            root?.Dispose();
            _hold = Hold(above, name);
            return _hold is not null ? Path.Combine(temporary, name) : throw new IOException($"{Path.Combine(temporary, name)} cannot be created: {made.Message}");
        }
    }

    // It was left by a killed supervisor of this user: a living one holds its lock. A folder of this name that another user
    // created is left alone, whatever is in it.
    private void RemoveLeftover(Folder above, string name)
    {
        if (TimeProvider.System.GetUtcNow().UtcDateTime - Directory.GetLastWriteTimeUtc(Path.Combine(temporary, name)) < LeftoverAge)
        {
            return;
        }

        using var hold = Hold(above, name);
        if (hold is not null)
        {
            above.RemoveAll(name);
        }
    }

    // Only our own folders: another user can neither block us with a lock, nor have us delete files that are not ours.
    private static Descriptor? Hold(Folder above, string name)
    {
        if (above.StatusOf(name)?.stx_uid != Libc.geteuid() || !above.Open(name, LibcFiles.O_DIRECTORY, 0, out var opened).Ok || opened is null)
        {
            return null;
        }

        var descriptor = Descriptor.Of(opened);
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
