using System.Runtime.InteropServices;
using System.Text;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>
/// Starts processes with posix_spawn: every signal at its default, none blocked, standard input empty, and only the
/// descriptors that were asked for. If a process is to run as another user, the child changes its ids itself
/// (<see cref="SystemCallProgram"/>); no thread of ours ever does.
/// </summary>
internal static unsafe class Spawn
{
    // Room for glibc's and musl's posix_spawn_file_actions_t (80 bytes), posix_spawnattr_t (336) and sigset_t (128).
    private const int OpaqueSize = 512;

    // Sources are moved up here first, so that placing one descriptor never overwrites the source of the next.
    private const int SafeFrom = 100;

    // For a child's few system calls. The limit is needed because processes of the other user could stop the child.
    private const int ReportLimitMilliseconds = 10_000;

    /// <summary>Starts a process and watches it. If the result has no process, none is running.</summary>
    public static Spawned Start(SpawnRequest request)
    {
        if (request.RunAs is not { } user)
        {
            return Watch(StartUnwatched(request), request);
        }

        var program = new SystemCallProgram(AfterAll(request.Descriptors)).Become(user);
        if (request.WorkingDirectory is { } directory)
        {
            // After changing the user, so that a folder closed to that user is refused.
            program.Then(SystemCall.chdir, program.Place(directory));
        }

        string[] arguments = [request.FileName, .. request.Arguments];
        try
        {
            var started = StartProgram(
                program,
                program.ToExecutable(RuntimeInformation.ProcessArchitecture, arguments.Length + 1),
                request with { Arguments = arguments, WorkingDirectory = null },
                out var failed);
            return failed is not { } failure ? started
                : new Spawned(null, failure.Call == nameof(SystemCall.execve) ? Exhaustion.Explain(failure.Result) : $"as user {user.Uid}, group {user.Gid}: {failure}");
        }
        catch (NativeException e)
        {
            return new Spawned(null, e.Message);
        }
    }

    /// <summary>Has a child make system calls as another user, and waits until it ends.</summary>
    /// <param name="user">The user that the child becomes first.</param>
    /// <param name="descriptor">One of our descriptors, which the child gets as <paramref name="number"/>.</param>
    /// <param name="number">The descriptor's number in the child.</param>
    /// <param name="calls">Adds the calls.</param>
    /// <returns>The call that failed; null if none did.</returns>
    /// <exception cref="IOException">The child could not be started.</exception>
    public static CallFailure? Call(ProcessCredentials user, int descriptor, int number, Action<SystemCallProgram> calls)
    {
        var program = new SystemCallProgram(number + 1).Become(user);
        calls(program);
        var request = new SpawnRequest
        {
            FileName = "",
            Arguments = [],
            Environment = new Dictionary<string, string>(),
            Descriptors = [(descriptor, number)],
        };
        var started = StartProgram(program, program.ToExecutable(RuntimeInformation.ProcessArchitecture), request, out var failed);
        using var process = started.Process;
        if (process is not null)
        {
            _ = process.WaitForEnd(TimeSpan.FromMilliseconds(ReportLimitMilliseconds));
            _ = process.Reap();
        }

        return failed is not null || started.Error is not { } error ? failed : throw new IOException(error);
    }

    /// <summary>Starts a process without a pidfd, for a caller that waits for all of its children. The value is the pid.</summary>
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
            if (request.OwnSession)
            {
                flags |= Posix.POSIX_SPAWN_SETSID;
            }

            _ = Posix.posix_spawnattr_setflags(attributes, flags);
            _ = Posix.sigfillset(signals);
            _ = Posix.posix_spawnattr_setsigdefault(attributes, signals);
            _ = Posix.sigemptyset(signals);
            _ = Posix.posix_spawnattr_setsigmask(attributes, signals);

            if (request.WorkingDirectory is { } directory && !TryAddChdir(actions, directory))
            {
                request = ByShell(request);
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

    private static Spawned Watch(Result started, SpawnRequest request)
    {
        if (!started.Ok)
        {
            return new Spawned(null, Exhaustion.Explain(started));
        }

        return PidFd.Adopt((int)started.Value, request.OwnSession, out var failure) is { } process
            ? new Spawned(process, null)
            : new Spawned(null, $"it was started and killed at once, because it could not be watched: pidfd_open: {Exhaustion.Explain(failure)}");
    }

    // If the result has no process, or a call failed, no process is running.
    private static Spawned StartProgram(SystemCallProgram program, byte[] executable, SpawnRequest request, out CallFailure? failed)
    {
        failed = null;
        var report = AfterAll(request.Descriptors);
        using var file = ExecutableMemory.Of(executable);
        var raised = Duplicate(file.Number, Math.Max(SafeFrom, report + 1));
        if (!raised.Ok)
        {
            return new Spawned(null, Exhaustion.Explain(raised));
        }

        using var placed = new Descriptor((int)raised.Value);
        var (read, write) = Descriptor.Pipe();
        using (read)
        {
            Spawned spawned;
            using (write)
            {
                request = request with
                {
                    FileName = $"/proc/self/fd/{placed.Number}",
                    Descriptors = [.. request.Descriptors, (write.Number, report)],
                };
                spawned = Watch(StartUnwatched(request), request);
            }

            if (spawned.Process is not { } process)
            {
                return spawned;
            }

            var (isThere, result, step) = ReadReport(read);
            if (isThere && result == 0)
            {
                return spawned;
            }

            failed = isThere ? new CallFailure(program.NameOf((int)step), new Result(-1, (int)-result)) : null;
            using (process)
            {
                _ = process.Signal(Signals.SIGKILL);
                _ = process.WaitForEnd(TimeSpan.FromMilliseconds(ReportLimitMilliseconds));
                _ = process.Reap();
            }

            return new Spawned(null, failed?.ToString() ?? "another process of its user stopped it before it began; it was killed");
        }
    }

    // The pipe was closed without a report: all went well.
    private static (bool IsThere, long Result, long Step) ReadReport(Descriptor pipe)
    {
        var polled = new Libc.PollFd { fd = pipe.Number, events = Libc.POLLIN };
        Result woken;
        do
        {
            woken = Result.From(Libc.poll(&polled, 1, ReportLimitMilliseconds));
        }
        while (woken.Error == Errno.EINTR);

        var report = stackalloc long[2];
        return woken.Value != 1 ? default
            : Libc.read(pipe.Number, (byte*)report, SystemCallProgram.ReportSize) == SystemCallProgram.ReportSize ? (true, report[0], report[1])
            : (true, 0, 0);
    }

    private static int AfterAll(IReadOnlyList<(int Ours, int Theirs)> descriptors) => descriptors.Select(static pair => pair.Theirs + 1).Append(3).Max();

    // glibc has it since 2.29; .NET runs on 2.27 and later.
    private static bool TryAddChdir(byte* actions, string directory)
    {
        try
        {
            _ = Posix.posix_spawn_file_actions_addchdir_np(actions, directory);
            return true;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <summary>The same process, started through a shell that changes the folder and then execs the program.</summary>
    internal static SpawnRequest ByShell(SpawnRequest request) => request with
    {
        FileName = "/bin/sh",
        Arguments = ["-c", "cd -- \"$0\" && exec \"$@\"", request.WorkingDirectory!, request.FileName, .. request.Arguments],
        WorkingDirectory = null,
    };

    private static Result PlaceDescriptors(byte* actions, IReadOnlyList<(int Ours, int Theirs)> descriptors, List<Descriptor> duplicates)
    {
        var safeFrom = Math.Max(SafeFrom, AfterAll(descriptors));
        _ = Posix.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", 0, 0);
        foreach (var (ours, theirs) in descriptors)
        {
            var duplicate = Duplicate(ours, safeFrom);
            if (!duplicate.Ok)
            {
                return duplicate;
            }

            duplicates.Add(new Descriptor((int)duplicate.Value));
            _ = Posix.posix_spawn_file_actions_adddup2(actions, (int)duplicate.Value, theirs);
        }

        return new Result(0, 0);
    }

    private static Result Duplicate(int descriptor, int from)
    {
        var duplicate = Result.From(Libc.fcntl(descriptor, Libc.F_DUPFD_CLOEXEC, from));

        // If the number asked for is beyond the limit of open files, the kernel returns EINVAL.
        return duplicate.Error == Errno.EINVAL ? duplicate with { Error = Errno.EMFILE } : duplicate;
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

/// <summary>A started process, or the reason why there is none.</summary>
internal readonly record struct Spawned(PidFd? Process, string? Error);

/// <summary>A system call that failed in a child.</summary>
internal readonly record struct CallFailure(string Call, Result Result)
{
    public override string ToString() => $"{Call}: {Exhaustion.Explain(Result)}";
}
