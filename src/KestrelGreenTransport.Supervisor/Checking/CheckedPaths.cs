using KestrelGreenTransport.Files;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Privileges;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>Checks by trying whether files and folders can be used, by this user or by the workers' user. Leaves nothing behind.</summary>
internal static class CheckedPaths
{
    /// <summary>Whether a folder can hold something. A missing folder can be created if its nearest existing parent is writable.</summary>
    public static Finding Folder(string area, string folder, string what, string remedy)
    {
        var existing = folder;
        while (!Path.Exists(existing) && Path.GetDirectoryName(existing) is { Length: > 0 } parent)
        {
            existing = parent;
        }

        return !Directory.Exists(existing)
            ? Finding.Problem(area, $"{folder} cannot contain {what}: {existing} is not a folder. {remedy}")
            : WhyNotMakeIn(existing) is { } why
                ? Finding.Problem(area, $"{folder} cannot contain {what}: {existing} is not writable for this user ({why}). {remedy}")
                : Finding.Ok(area, $"{folder}: can contain {what}");
    }

    /// <summary>Why this file cannot be appended to; null if it can, or if it can be created.</summary>
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

    /// <summary>Why the supervisor would not write to this file; null if it would. It refuses files that other users may have put there.</summary>
    public static string? WhyNotWrite(string file)
    {
        var opened = GuardedFile.Open(file, LibcFiles.O_WRONLY | LibcFiles.O_APPEND | LibcFiles.O_NONBLOCK, 0);
        opened.File?.Dispose();
        return opened.Error is 0 or Errno.ENOENT or Errno.EISDIR ? WhyNotAppend(file) : opened.Why;
    }

    /// <summary>Why this file cannot be read; null if it can.</summary>
    public static string? WhyNotRead(string file) => WhyNotOpen(file, 0);

    /// <summary>Runs a check as the workers' user; without an identity, as this user.</summary>
    /// <exception cref="NativeException">The kernel does not let us take on that user's rights.</exception>
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
                // This cannot be undone, but the thread ends right after the check.
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

    // Non-blocking, since it may be a pipe without a reader.
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
