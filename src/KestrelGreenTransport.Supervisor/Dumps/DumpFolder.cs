namespace KestrelGreenTransport.Supervisor.Dumps;

// Never more than MaxFiles files and MaxBytes bytes of ours: the oldest go first. What others keep there is left alone.

/// <summary>The folder of <c>--dump-on-stale</c>, bounded in number and size.</summary>
/// <param name="path">The folder; made when something is to be kept.</param>
/// <param name="name">The instance's name: several may share the folder, each with bounds of its own.</param>
internal sealed class DumpFolder(string path, string name)
{
    public const int MaxFiles = 20;
    public const long MaxBytes = 2L * 1024 * 1024 * 1024;

    // Of a report's text: a thousand different stacks fit.
    private const int MaxText = 8 * 1024 * 1024;

    public string Path => path;

    /// <summary>A path for a new file of this worker; nothing is made yet.</summary>
    public string FileFor(int index, int pid, DateTimeOffset at, string extension) =>
        System.IO.Path.Combine(path, FormattableString.Invariant($"green-{name}-{at:yyyyMMdd-HHmmss-fff}-worker{index}-{pid}.{extension}"));

    /// <summary>Keeps a text, then makes room.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write there.</exception>
    public void Write(string file, string text)
    {
        Make();
        File.WriteAllText(file, text.Length <= MaxText ? text : text[..MaxText] + "\n(cut)\n");
        Prune();
    }

    /// <summary>Makes the folder, for us alone: stacks and dumps may hold what a request carried.</summary>
    public void Make()
    {
        if (!OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Removes the oldest files of ours until the bounds hold.</summary>
    public void Prune()
    {
        var files = new DirectoryInfo(path).GetFiles($"green-{name}-2*").OrderByDescending(static file => file.Name, StringComparer.Ordinal).ToList();
        long bytes = 0;
        for (var i = 0; i < files.Count; i++)
        {
            bytes += files[i].Length;

            // The newest stays, however large it is: it is what somebody waits for.
            if (i > 0 && (i >= MaxFiles || bytes > MaxBytes))
            {
                files[i].Delete();
            }
        }
    }
}
