using System.Globalization;

namespace FunctionalTests.Harness;

/// <summary>A control group with a memory limit. It is removed at the end, when all of its processes are gone.</summary>
internal sealed class MemoryGroup : IDisposable
{
    private readonly string _path;

    private MemoryGroup(string path) => _path = path;

    /// <summary>A command that moves itself into the group and then becomes the rest of its command line.</summary>
    public string[] Wrapper => ["sh", "-c", $"echo $$ > {_path}/cgroup.procs && exec \"$@\"", "sh"];

    /// <summary>Null if this user may not create one.</summary>
    public static MemoryGroup? TryCreate(int megabytes)
    {
        var bytes = (megabytes * 1024L * 1024).ToString(CultureInfo.InvariantCulture);
        return TryCreate("/sys/fs/cgroup/memory", ("memory.limit_in_bytes", bytes), ("memory.swappiness", "0"))
            ?? TryCreate("/sys/fs/cgroup", ("memory.max", bytes), ("memory.swap.max", "0"));
    }

    public void Dispose()
    {
        if (Directory.Exists(_path))
        {
            Directory.Delete(_path);
        }
    }

    private static MemoryGroup? TryCreate(string root, params (string File, string Value)[] limits)
    {
        var path = Path.Combine(root, $"green-test-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(path);
            foreach (var (file, value) in limits)
            {
                // The kernel makes this file. If it is missing, the group does not have this controller and cannot be used.
                using var writer = new StreamWriter(new FileStream(Path.Combine(path, file), FileMode.Open, FileAccess.Write));
                writer.Write(value);
            }

            return new MemoryGroup(path);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path);
            }

            return null;
        }
    }
}
