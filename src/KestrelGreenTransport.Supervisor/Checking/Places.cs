using KestrelGreenTransport.Files;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Privileges;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>Whether files and folders can be used, found out by trying: as this user, or as the one that the workers become. Leaves nothing behind.</summary>
internal static class Places
{
    /// <summary>Whether a folder can hold something. One that is not there yet can be made where its nearest parent is writable.</summary>
    public static Finding Folder(string area, string folder, string what, string remedy)
    {
        var existing = folder;
        while (!Path.Exists(existing) && Path.GetDirectoryName(existing) is { Length: > 0 } parent)
        {
            existing = parent;
        }

        return !Directory.Exists(existing)
            ? Finding.Problem(area, $"{folder} cannot hold {what}: {existing} is no folder. {remedy}")
            : WhyNotMakeIn(existing) is { } why
                ? Finding.Problem(area, $"{folder} cannot hold {what}: {existing} is not writable for this user ({why}). {remedy}")
                : Finding.Ok(area, $"{folder}: can hold {what}");
    }

    /// <summary>Why nothing can be appended to this file; null when it can, or when it can be made.</summary>
    public static string? WhyNotAppend(string file)
    {
        if (Directory.Exists(file))
        {
            return "it is a folder";
        }

        if (File.Exists(file))
        {
            return WhyNotOpen(file, LibcFiles.O_WRONLY | LibcFiles.O_APPEND);
        }

        var folder = Path.GetDirectoryName(file)!;
        return Directory.Exists(folder) ? WhyNotMakeIn(folder) : $"there is no folder {folder}";
    }

    /// <summary>Why the supervisor would not write to this file; null when it would. What others may have put there is refused.</summary>
    public static string? WhyNotWrite(string file)
    {
        var opened = GuardedFile.Open(file, LibcFiles.O_WRONLY | LibcFiles.O_APPEND | LibcFiles.O_NONBLOCK, 0);
        opened.File?.Dispose();
        return opened.Error is 0 or Errno.ENOENT or Errno.EISDIR ? WhyNotAppend(file) : opened.Why;
    }

    /// <summary>Why this file cannot be read; null when it can.</summary>
    public static string? WhyNotRead(string file) => WhyNotOpen(file, 0);

    /// <summary>Looks as the workers do; null as identity: they are who we are.</summary>
    /// <exception cref="NativeException">The kernel does not let us become that one.</exception>
    public static string? AsWorker(WorkerIdentity? identity, Func<string?> look)
    {
        if (identity is null)
        {
            return look();
        }

        string? found = null;
        NativeException? refused = null;
        var thread = new Thread(() =>
        {
            try
            {
                // For good, which for this thread is not long.
                ThreadFileRights.TakeOn(identity.Credentials);
                found = look();
            }
            catch (NativeException e)
            {
                refused = e;
            }
        })
        { IsBackground = true, Name = "green-check" };
        thread.Start();
        thread.Join();
        return refused is null ? found : throw refused;
    }

    private static string? WhyNotMakeIn(string folder)
    {
        var probe = Path.Combine(folder, $".green-check-{Guid.NewGuid():N}");
        try
        {
            using (File.Create(probe, 1, FileOptions.DeleteOnClose))
            {
                return null;
            }
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            return failed is UnauthorizedAccessException ? "permission denied" : failed.Message.TrimEnd('.');
        }
    }

    // Not blocking: it may be a pipe that nobody reads.
    private static string? WhyNotOpen(string file, int how)
    {
        var opened = Result.From(LibcFiles.open(file, how | LibcFiles.O_NONBLOCK | LibcFiles.O_CLOEXEC, 0));
        if (!opened.Ok)
        {
            return opened.Message;
        }

        _ = Libc.close((int)opened.Value);
        return null;
    }
}
