using System.Runtime.InteropServices;
using System.Text;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>
/// Starts processes by posix_spawn: every signal at its default, none blocked, standard input empty, and only the
/// descriptors that were asked for.
/// </summary>
internal static unsafe class Spawn
{
    // Room for glibc's and musl's posix_spawn_file_actions_t (80 bytes), posix_spawnattr_t (336) and sigset_t (128).
    private const int OpaqueSize = 512;

    // Sources are moved up here first, so that placing one descriptor never overwrites the source of the next.
    private const int SafeFrom = 100;

    /// <summary>Starts a process and watches it. No process runs where this gives none.</summary>
    public static Spawned Start(SpawnRequest request)
    {
        var started = StartUnwatched(request);
        if (!started.Ok)
        {
            return new Spawned(null, Exhaustion.Explain(started));
        }

        return PidFd.Adopt((int)started.Value, request.OwnProcessGroup, out var failure) is { } process
            ? new Spawned(process, null)
            : new Spawned(null, $"it was started and ended at once, since it could not be watched: pidfd_open: {Exhaustion.Explain(failure)}");
    }

    /// <summary>Starts a process, for whoever waits for all of its children. The value is its pid.</summary>
    public static Result StartUnwatched(SpawnRequest request)
    {
        var actions = stackalloc byte[OpaqueSize];
        var attributes = stackalloc byte[OpaqueSize];
        var signals = stackalloc byte[OpaqueSize];
        var duplicates = new List<Descriptor>(request.Descriptors.Count);
        _ = Posix.posix_spawn_file_actions_init(actions);
        _ = Posix.posix_spawnattr_init(attributes);
        try
        {
            short flags = Posix.POSIX_SPAWN_SETSIGDEF | Posix.POSIX_SPAWN_SETSIGMASK;
            if (request.OwnProcessGroup)
            {
                flags |= Posix.POSIX_SPAWN_SETPGROUP;
                _ = Posix.posix_spawnattr_setpgroup(attributes, 0);
            }

            _ = Posix.posix_spawnattr_setflags(attributes, flags);
            _ = Posix.sigfillset(signals);
            _ = Posix.posix_spawnattr_setsigdefault(attributes, signals);
            _ = Posix.sigemptyset(signals);
            _ = Posix.posix_spawnattr_setsigmask(attributes, signals);

            if (request.WorkingDirectory is { } directory)
            {
                _ = Posix.posix_spawn_file_actions_addchdir_np(actions, directory);
            }

            var placed = PlaceDescriptors(actions, request.Descriptors, duplicates);
            if (!placed.Ok)
            {
                return placed;
            }

            using var argv = new CStrings([request.FileName, .. request.Arguments]);
            using var envp = new CStrings(request.Environment.Select(static pair => $"{pair.Key}={pair.Value}"));
            var error = Posix.posix_spawn(out var pid, request.FileName, actions, attributes, argv.Pointer, envp.Pointer);
            return new Result(pid, error);
        }
        finally
        {
            _ = Posix.posix_spawnattr_destroy(attributes);
            _ = Posix.posix_spawn_file_actions_destroy(actions);
            foreach (var duplicate in duplicates)
            {
                duplicate.Dispose();
            }
        }
    }

    private static Result PlaceDescriptors(byte* actions, IReadOnlyList<(int Ours, int Theirs)> descriptors, List<Descriptor> duplicates)
    {
        var safeFrom = descriptors.Select(static pair => pair.Theirs + 1).Append(SafeFrom).Max();
        _ = Posix.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", 0, 0);
        foreach (var (ours, theirs) in descriptors)
        {
            var duplicate = Result.From(Libc.fcntl(ours, Libc.F_DUPFD_CLOEXEC, safeFrom));
            if (!duplicate.Ok)
            {
                // Where all that may be open is below the number asked for, the kernel calls the number invalid.
                return duplicate.Error == Errno.EINVAL ? duplicate with { Error = Errno.EMFILE } : duplicate;
            }

            duplicates.Add(new Descriptor((int)duplicate.Value));
            _ = Posix.posix_spawn_file_actions_adddup2(actions, (int)duplicate.Value, theirs);
        }

        return new Result(0, 0);
    }

    /// <summary>A null-terminated array of C strings.</summary>
    private sealed class CStrings : IDisposable
    {
        private readonly List<nint> _strings = [];

        public CStrings(IEnumerable<string> texts)
        {
            foreach (var text in texts)
            {
                var length = Encoding.UTF8.GetByteCount(text);
                var memory = (byte*)NativeMemory.AllocZeroed((nuint)length + 1);
                Encoding.UTF8.GetBytes(text, new Span<byte>(memory, length));
                _strings.Add((nint)memory);
            }

            Pointer = (byte**)NativeMemory.AllocZeroed((nuint)_strings.Count + 1, (nuint)sizeof(nint));
            for (var i = 0; i < _strings.Count; i++)
            {
                Pointer[i] = (byte*)_strings[i];
            }
        }

        public byte** Pointer { get; }

        public void Dispose()
        {
            foreach (var memory in _strings)
            {
                NativeMemory.Free((void*)memory);
            }

            NativeMemory.Free(Pointer);
        }
    }
}

/// <summary>A process that was started, or why there is none.</summary>
internal readonly record struct Spawned(PidFd? Process, string? Error);
