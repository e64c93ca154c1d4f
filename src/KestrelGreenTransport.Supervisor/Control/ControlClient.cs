using System.Net.Sockets;
using System.Text.Json;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>
/// Sends one command to a supervisor and reads its answer, each a line of JSON. The answer must be complete within the limit,
/// so that a stopped supervisor, or another program on that socket, cannot block the caller.
/// </summary>
internal sealed class ControlClient(string path, TimeProvider time, TimeSpan limit)
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    // A supervisor sends a line every ten seconds at least.
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(60);

    // A thousand workers take about half a megabyte.
    private const int LongestAnswer = 4 * 1024 * 1024;

    public ControlClient(string path)
        : this(path, TimeProvider.System, Limit)
    {
    }

    /// <summary>How long a supervisor may take to exit after it has closed its connections.</summary>
    public TimeSpan LeaveLimit { get; init; } = Limit;

    /// <summary>The same client with a longer limit, for commands that take longer.</summary>
    public ControlClient WithLimit(TimeSpan longer) => new(path, time, longer) { LeaveLimit = LeaveLimit };

    /// <summary>Sends a command and reads its answer.</summary>
    /// <exception cref="ControlException">No supervisor answers, or it refuses.</exception>
    public StatusDocument Ask(ControlRequest request) => Ask(request, static response => response.Status);

    /// <summary>Sends a command and reads the part of its answer that was asked for.</summary>
    /// <exception cref="ControlException">No supervisor answers, or it refuses.</exception>
    public T Ask<T>(ControlRequest request, Func<ControlResponse, T?> part)
        where T : class
    {
        using var socket = Connect();
        return Ask(socket, request, part);
    }

    /// <summary>
    /// Sends a command and waits until it is over. The first answer has the status, each further one has news, the last one the outcome.
    /// Without an operation in the first answer the supervisor is older than this, and says no more. If the last one is pending, the connection
    /// has ended: the supervisor has exited, or another one has taken its place.
    /// </summary>
    /// <exception cref="ControlException">No supervisor answers, or it refuses.</exception>
    public IEnumerable<ControlResponse> Follow(ControlRequest request)
    {
        using var socket = Connect();
        var answer = Ask(socket, request with { Wait = true }, static response => response.Status is null ? null : response);
        yield return answer;
        while (answer.Operation is null or { Outcome: OperationOutcome.Pending } && Next(socket, LongestSilence) is { } next)
        {
            answer = next with { Operation = next.Operation ?? answer.Operation };
            yield return answer;
        }
    }

    /// <summary>Tells the supervisor to stop and waits until its process is gone.</summary>
    /// <param name="quick">Whether to give up requests in flight.</param>
    /// <exception cref="ControlException">No supervisor answers, or it refuses.</exception>
    public IEnumerable<ControlResponse> Stop(bool quick)
    {
        using var socket = Connect();
        using var supervisor = PeerOf(socket) is { Pid: > 0 and var pid } ? PidFd.TryOpen(pid) : null;
        yield return Ask(socket, new ControlRequest { Command = "stop", Quick = quick, Wait = true }, static response => response.Status is null ? null : response);

        // The supervisor keeps this connection open until it exits. How long it waits for its workers is its own setting: no limit here.
        while (Next(socket, Timeout.InfiniteTimeSpan) is { } news)
        {
            yield return news;
        }

        supervisor?.WaitForEnd(LeaveLimit);
    }

    /// <summary>Explains why a connect failed.</summary>
    public static ControlException Unreachable(string path, SocketError error) => error switch
    {
        SocketError.AccessDenied => new ControlException(
            ExitCodes.Unexpected, $"{path} is owned by another user: run green as that user, or with sudo."),
        SocketError.AddressNotAvailable or SocketError.ConnectionRefused => new ControlException(
            ExitCodes.NoSupervisor, $"no supervisor is running on {path}. Start one with green run, or name another with --name or --control."),
        SocketError.WouldBlock or SocketError.TimedOut => new ControlException(
            ExitCodes.Unexpected, $"the supervisor on {path} accepts no connections: it may be stopped, or hang."),
        _ => new ControlException(ExitCodes.Unexpected, $"cannot connect to {path}: {new SocketException((int)error).Message}."),
    };

    /// <summary>Whether a process listens on the socket. A killed supervisor leaves a file on which no process listens.</summary>
    public static bool IsAlive(string path)
    {
        using var socket = NewSocket(Limit);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException failed)
        {
            return failed.SocketErrorCode is not (SocketError.AddressNotAvailable or SocketError.ConnectionRefused);
        }
    }

    // Null once the connection has ended.
    private ControlResponse? Next(Socket socket, TimeSpan longest)
    {
        try
        {
            return Parse(ReadLine(socket, longest));
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private static Socket NewSocket(TimeSpan limit) =>
        // The kernel applies the send time-out to a connect that waits for room in the listener's queue.
        new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { SendTimeout = (int)limit.TotalMilliseconds };

    private Socket Connect()
    {
        if (!ControlPaths.Fits(path))
        {
            throw new ControlException(ExitCodes.Usage, $"{path} is longer than the kernel's limit of {ControlPaths.LongestPath} bytes for a socket path.");
        }

        var socket = NewSocket(limit);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException failed)
        {
            socket.Dispose();
            throw Unreachable(path, failed.SocketErrorCode);
        }

        if (PeerOf(socket) is (_, var owner) && !IsTrusted(owner, Libc.geteuid()))
        {
            socket.Dispose();
            throw new ControlException(
                ExitCodes.Unexpected, $"the process answering on {path} belongs to user {owner}, not to you. Name the right socket with --control, or run green as that user.");
        }

        return socket;
    }

    /// <summary>
    /// Whether a supervisor of this owner may be asked: the caller's own and root's. In a folder that everyone can write to, any
    /// user may place a socket. Root may ask any supervisor whose socket it names.
    /// </summary>
    public static bool IsTrusted(uint owner, uint caller) => owner == caller || owner == 0 || caller == 0;

    private T Ask<T>(Socket socket, ControlRequest request, Func<ControlResponse, T?> part)
        where T : class
    {
        byte[] line;
        try
        {
            // The kernel buffers a request to a stopped supervisor; only an answer shows that it is running.
            socket.Send([.. JsonSerializer.SerializeToUtf8Bytes(request, ControlJson.Default.ControlRequest), (byte)'\n']);
            line = ReadLine(socket, limit);
        }
        catch (SocketException)
        {
            throw new ControlException(ExitCodes.Unexpected, $"the supervisor on {path} closed the connection without an answer: it may be exiting. Try again.");
        }

        return Parse(line) switch
        {
            { Error: { } error } => throw new ControlException(ExitCodes.Unexpected, $"the supervisor on {path} says: {error}."),
            var answer when part(answer) is { } found => found,
            _ => throw NotASupervisor(),
        };
    }

    private ControlResponse Parse(byte[] line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, ControlJson.Default.ControlResponse) ?? throw NotASupervisor();
        }
        catch (JsonException)
        {
            throw NotASupervisor();
        }
    }

    private ControlException NotASupervisor() =>
        new(ExitCodes.Unexpected, $"the process answering on {path} is not a supervisor that green knows. Name the right socket with --control.");

    private byte[] ReadLine(Socket socket, TimeSpan longest)
    {
        var started = time.GetTimestamp();
        var line = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (line.Length < LongestAnswer)
        {
            var left = longest - time.GetElapsedTime(started);
            if (longest != Timeout.InfiniteTimeSpan && (left <= TimeSpan.Zero || !socket.Poll(left, SelectMode.SelectRead)))
            {
                var pid = PeerOf(socket)?.Pid;
                throw new ControlException(
                    ExitCodes.Unexpected,
                    $"the supervisor on {path} did not answer within {Duration.Format(longest)}{(pid > 0 ? $": inspect it with ps -o pid,stat,wchan -p {pid}" : "")}.");
            }

            // What follows the line is left for the next one.
            var count = socket.Receive(buffer, SocketFlags.Peek);
            if (count == 0)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }

            var end = buffer.AsSpan(0, count).IndexOf((byte)'\n');
            line.Write(buffer, 0, end < 0 ? count : end);
            _ = socket.Receive(buffer, end < 0 ? count : end + 1, SocketFlags.None);
            if (end >= 0)
            {
                return line.ToArray();
            }
        }

        // Not one of our answers.
        return [];
    }

    // The listening process by its pid as seen from here (0 if it is not visible), and the user that it runs as.
    private static unsafe (int Pid, uint User)? PeerOf(Socket socket)
    {
        Posix.Ucred peer;
        var length = sizeof(Posix.Ucred);
        return Libc.getsockopt((int)socket.Handle, Libc.SOL_SOCKET, Posix.SO_PEERCRED, &peer, &length) == 0 ? (peer.pid, peer.uid) : null;
    }
}
