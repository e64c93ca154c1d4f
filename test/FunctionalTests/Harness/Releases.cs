namespace FunctionalTests.Harness;

/// <summary>Releases of the test worker, each in a folder of its own, and the link <c>current</c> to the one that is deployed.</summary>
internal sealed class Releases : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public Releases() => Deploy("1");

    /// <summary>The app's path as passed to <c>green run</c>.</summary>
    public string App => Path.Combine(Current, Path.GetFileName(Repo.TestWorker));

    private string Current => _folder.File("current");

    /// <summary>Puts a release in place, optionally with a fault, and points the link to it by a rename.</summary>
    public string Deploy(string release, string? fault = null)
    {
        var folder = Directory.CreateDirectory(_folder.File(release)).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(Repo.TestWorker)!))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        if (fault == "missing")
        {
            File.Delete(Path.Combine(folder, Path.GetFileName(Repo.TestWorker)));
        }
        else if (fault == "garbage")
        {
            var rest = Path.Combine(folder, "rest");
            File.WriteAllText(rest, "no program any more");
            Kernel.Rename(rest, Path.Combine(folder, Path.GetFileName(Repo.TestWorker)));
        }
        else if (fault is not null)
        {
            File.WriteAllText(Path.Combine(folder, "boot-fault"), fault);
        }

        var link = _folder.File("next");
        Directory.CreateSymbolicLink(link, folder);
        Kernel.Rename(link, Current);
        return folder;
    }

    public void Dispose() => _folder.Dispose();
}
