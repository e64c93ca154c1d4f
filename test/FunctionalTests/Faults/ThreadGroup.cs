using FunctionalTests.Harness;

namespace FunctionalTests.Faults;

/// <summary>A control group that bounds the number of threads. It is removed at the end, when its processes have left it.</summary>
internal sealed class ThreadGroup : IAsyncDisposable
{
    private readonly string _path;
    private readonly string _root;

    private ThreadGroup(string root, string path) => (_root, _path) = (root, path);

    /// <summary>Null if this user may not create one.</summary>
    public static ThreadGroup? TryCreate()
    {
        foreach (var root in new[] { "/sys/fs/cgroup/pids", "/sys/fs/cgroup" })
        {
            var path = Path.Combine(root, $"green-test-{Guid.NewGuid():N}");
            try
            {
                Directory.CreateDirectory(path);
                if (File.Exists(Path.Combine(path, "pids.max")))
                {
                    return new ThreadGroup(root, path);
                }

                Directory.Delete(path);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
            }
        }

        return null;
    }

    public void Take(int pid) => Write(_path, "cgroup.procs", $"{pid}");

    /// <summary>Allows only the current number of threads.</summary>
    public void AllowNoMore() => Write(_path, "pids.max", File.ReadAllText(Path.Combine(_path, "pids.current")));

    public void AllowAny() => Write(_path, "pids.max", "max");

    // A process that has just ended keeps it busy for a moment.
    public async ValueTask DisposeAsync() => await Eventually.Get(
        "the group is removed",
        () =>
        {
            foreach (var pid in File.ReadAllLines(Path.Combine(_path, "cgroup.procs")))
            {
                Write(_root, "cgroup.procs", pid);
            }

            Directory.Delete(_path);
            return Task.FromResult(true);
        },
        static removed => removed);

    private static void Write(string folder, string file, string value)
    {
        using var writer = new StreamWriter(new FileStream(Path.Combine(folder, file), FileMode.Open, FileAccess.Write));
        writer.Write(value);
    }
}
