using KestrelGreenTransport.Files;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Privileges;

namespace KestrelGreenTransport.Supervisor.Dumps;

// Keeps at most MaxFiles files and MaxBytes bytes of ours, deleting the oldest first. Other files there are left alone.
// File names can be guessed, and the supervisor may be root: so the folder is accessed by its descriptor, a file is always created
// and never opened, and a folder that others may write to is refused. If the workers run as another user, their runtime writes to
// a subfolder owned by that user.

/// <summary>The folder of <c>--dump-on-stale</c>, limited in number and size of files.</summary>
/// <param name="path">The folder; created when there is something to keep.</param>
/// <param name="name">The instance's name: several instances may share the folder, each with its own limits.</param>
/// <param name="workers">The user that the workers run as, if not ours.</param>
internal sealed class DumpFolder(string path, string name, WorkerIdentity? workers = null)
{
    public const int MaxFiles = 20;
    public const long MaxBytes = 2L * 1024 * 1024 * 1024;

    private const uint OwnerOnly = 0b111_000_000;
    private const uint OthersPass = 0b111_001_001;
    private const uint FileOfOwner = 0b110_000_000;

    // The limit for a report's text: a thousand different stacks fit.
    private const int MaxText = 8 * 1024 * 1024;

    private readonly string _workersName = $"green-{name}-workers";

    public string Path { get; } = System.IO.Path.TrimEndingDirectorySeparator(path);

    /// <summary>A path for a new file about this worker; nothing is created yet.</summary>
    public string FileFor(int index, int pid, DateTimeOffset at, string extension) => System.IO.Path.Combine(Path, NameFor(index, pid, at, extension));

    /// <summary>A path for a new file that the worker's runtime writes; nothing is created yet.</summary>
    public string FileForRuntime(int index, int pid, DateTimeOffset at, string extension) =>
        System.IO.Path.Combine(workers is null ? Path : System.IO.Path.Combine(Path, _workersName), NameFor(index, pid, at, extension));

    /// <summary>Why the folder is not safe to use, given who may write there; null if there is no such reason.</summary>
    public string? WhyNot()
    {
        var opened = Folder.Open(Path, out var folder);
        using (folder)
        {
            // A folder that cannot be opened for another reason may be created later.
            return folder is null && opened.Error != Errno.ELOOP ? null : Doubt(opened, folder);
        }
    }

    /// <summary>Keeps a text in a file that only we can read, then deletes old files over the limits.</summary>
    /// <param name="file">A path from <see cref="FileFor"/>.</param>
    /// <param name="text">The text.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(string file, string text)
    {
        using var folder = Hold();
        var made = folder.Open(System.IO.Path.GetFileName(file), LibcFiles.O_WRONLY | LibcFiles.O_CREAT | LibcFiles.O_EXCL, FileOfOwner, out var handle);
        if (handle is null)
        {
            throw new IOException($"{file} cannot be created: {made.Message}");
        }

        using (var writer = new StreamWriter(new FileStream(handle, FileAccess.Write)))
        {
            writer.Write(text.AsSpan(0, Math.Min(text.Length, MaxText)));
            writer.Write(text.Length <= MaxText ? "" : "\n(cut)\n");
        }

        Prune(folder);
    }

    /// <summary>Creates the folder for our user alone: stacks and dumps may contain data of requests.</summary>
    /// <exception cref="IOException">It cannot be created, or others may write to it.</exception>
    public void Make() => Hold().Dispose();

    /// <summary>Creates the folder, and the subfolder that the workers' runtime writes to.</summary>
    /// <exception cref="IOException">It cannot be created, or others may write to it.</exception>
    public void MakeForRuntime()
    {
        using var folder = Hold();
        if (workers is not { } user)
        {
            return;
        }

        var made = folder.MakeIn(_workersName, OwnerOnly, out var theirs);
        if (theirs is null)
        {
            throw new IOException($"{System.IO.Path.Combine(Path, _workersName)} cannot be created: {made.Message}");
        }

        using (theirs)
        {
            theirs.Give(user.Uid, user.Gid, OwnerOnly);
        }

        if ((folder.Status.stx_mode & 0b001) == 0)
        {
            throw new IOException($"the workers' user {user} cannot access {Path}: chmod o+x {Path}");
        }
    }

    /// <summary>Whether the workers' runtime has written this file.</summary>
    public bool Has(string file) => Status(file) is { Type: LibcFiles.S_IFREG };

    /// <summary>Deletes our oldest files until the limits are met.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public void Prune()
    {
        using var folder = Hold();
        Prune(folder);
    }

    private string NameFor(int index, int pid, DateTimeOffset at, string extension) =>
        FormattableString.Invariant($"green-{name}-{at:yyyyMMdd-HHmmss-fff}-worker{index}-{pid}.{extension}");

    private Folder Hold()
    {
        var made = Folder.Make(Path, workers is null ? OwnerOnly : OthersPass, out var folder);
        if (Doubt(made, folder) is { } doubt)
        {
            folder?.Dispose();
            throw new IOException(doubt);
        }

        return folder!;
    }

    private string? Doubt(Result opened, Folder? folder) =>
        folder is null
            ? opened.Error == Errno.ELOOP ? $"the path to {Path} contains a symbolic link that another user may have created" : $"{Path}: {opened.Message}"
            : folder.OwnAccess == FolderAccess.OursAlone ? null
            : $"other users may write to {Path}. Remove that permission (chmod go-w), or name a new folder in it, which is then created for this user alone";

    private LibcFiles.Statx? Status(string file)
    {
        using var folder = Hold();
        if (System.IO.Path.GetDirectoryName(file) == Path)
        {
            return folder.StatusOf(System.IO.Path.GetFileName(file));
        }

        using var theirs = Theirs(folder);
        return theirs?.StatusOf(System.IO.Path.GetFileName(file));
    }

    private Folder? Theirs(Folder folder) => folder.Enter(_workersName);

    private void Prune(Folder folder)
    {
        using var theirs = Theirs(folder);
        var files = new[] { folder, theirs }.OfType<Folder>()
            .SelectMany(static one => one.Names.Select(file => (Folder: one, Name: file)))
            .Where(file => file.Name.StartsWith($"green-{name}-2", StringComparison.Ordinal))
            .OrderByDescending(static file => file.Name, StringComparer.Ordinal)
            .ToList();
        ulong bytes = 0;
        for (var i = 0; i < files.Count; i++)
        {
            bytes += files[i].Folder.StatusOf(files[i].Name)?.stx_size ?? 0;

            // The newest file is kept, however large it is: an operator may be waiting for it.
            if (i > 0 && (i >= MaxFiles || bytes > MaxBytes))
            {
                _ = files[i].Folder.Remove(files[i].Name);
            }
        }
    }
}
