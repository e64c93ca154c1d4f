using System.Net.Sockets;
using System.Text.Json;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>
/// One command to a supervisor and its answer, each a line of JSON. Whoever answers gets a limit for the whole of it,
/// so that a stopped supervisor, or something else on that socket, keeps nobody waiting.
/// </summary>
internal sealed class ControlClient(string path, TimeProvider time, TimeSpan limit)
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(200);

    // A thousand workers take about half a megabyte.
    private const int LongestAnswer = 4 * 1024 * 1024;

    public ControlClient(string path)
        : this(path, TimeProvider.System, Limit)
    {
    }

    /// <summary>How long a supervisor that let go of its connections may take to end.</summary>
    public TimeSpan LeaveLimit { get; init; } = Limit;

    /// <summary>The same client, for commands that take their time.</summary>
    public ControlClient WithLimit(TimeSpan longer) => new(path, time, longer) { LeaveLimit = LeaveLimit };

    /// <summary>Sends a command and reads its answer.</summary>
    /// <exception cref="ControlException">Nobody is there, or no answer comes, or it is a refusal.</exception>
    public StatusDocument Ask(ControlRequest request) => Ask(request, static response => response.Status);

    /// <summary>Sends a command and reads the part of its answer that was asked for.</summary>
    /// <exception cref="ControlException">Nobody is there, or no answer comes, or it is a refusal.</exception>
    public T Ask<T>(ControlRequest request, Func<ControlResponse, T?> part)
        where T : class
    {
        using var socket = Connect();
        return Ask(socket, request, part);
    }

    /// <summary>Tells the supervisor to stop and waits until its process is gone.</summary>
    /// <param name="quick">Whether requests in flight are given up.</param>
    /// <param name="taken">Told the state once the supervisor has agreed.</param>
    /// <param name="meanwhile">Told the state while it stops, a few times a second.</param>
    /// <exception cref="ControlException">Nobody is there, or no answer comes, or it is a refusal.</exception>
    public void Stop(bool quick, Action<StatusDocument> taken, Action<StatusDocument>? meanwhile = null)
    {
        using var socket = Connect();
        using var supervisor = PeerOf(socket) is { Pid: > 0 and var pid } ? PidFd.TryOpen(pid) : null;
        taken(Ask(socket, new ControlRequest { Command = "stop", Quick = quick }, static response => response.Status));

        // The supervisor holds this connection open for as long as it lives. Its grace is its own affair: no limit here.
        var nothing = new byte[1];
        try
        {
            do
            {
                while (meanwhile is not null && !socket.Poll(LookAgainAfter, SelectMode.SelectRead))
                {
                    TellState(meanwhile);
                }
            }
            while (socket.Receive(nothing) > 0);
        }
        catch (SocketException)
        {
            // A reset is an end too.
        }

        supervisor?.WaitForEnd(LeaveLimit);
    }

    /// <summary>What a failed connect means, in words.</summary>
    public static ControlException Unreachable(string path, SocketError error) => error switch
    {
        SocketError.AccessDenied => new ControlException(
            ExitCodes.Unexpected, $"{path} is owned by another user: run green as that user, or with sudo."),
        SocketError.AddressNotAvailable or SocketError.ConnectionRefused => new ControlException(
            ExitCodes.NoSupervisor, $"no supervisor listens on {path}. Start one with green run, or name another with --name or --control."),
        SocketError.WouldBlock or SocketError.TimedOut => new ControlException(
            ExitCodes.Unexpected, $"the supervisor on {path} takes no more connections: it may be stopped, or hang."),
        _ => new ControlException(ExitCodes.Unexpected, $"cannot connect to {path}: {new SocketException((int)error).Message}."),
    };

    /// <summary>Whether somebody listens there. A file that nobody listens on is what a killed supervisor left.</summary>
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

    private void TellState(Action<StatusDocument> told)
    {
        StatusDocument status;
        try
        {
            status = Ask(new ControlRequest { Command = "status" });
        }
        catch (ControlException)
        {
            // It is on its way out, and its end is what we wait for.
            return;
        }

        told(status);
    }

    private static Socket NewSocket(TimeSpan limit) =>
        // The kernel applies the send time-out to a connect that waits for room in the listener's queue.
        new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { SendTimeout = (int)limit.TotalMilliseconds };

    private Socket Connect()
    {
        if (!ControlPaths.Fits(path))
        {
            throw new ControlException(ExitCodes.Usage, $"{path} is longer than the {ControlPaths.LongestPath} bytes that the kernel takes for a socket's path.");
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
                ExitCodes.Unexpected, $"whoever answers on {path} runs as another user ({owner}): it is no supervisor of yours. Name the right socket with --control, or run green as that user.");
        }

        return socket;
    }

    /// <summary>
    /// Whether a user's supervisor is worth asking: one's own and root's. Anybody may put a socket into a folder that all
    /// may write to; root may look at anyone's, if it says where.
    /// </summary>
    public static bool IsTrusted(uint owner, uint caller) => owner == caller || owner == 0 || caller == 0;

    private T Ask<T>(Socket socket, ControlRequest request, Func<ControlResponse, T?> part)
        where T : class
    {
        byte[] line;
        try
        {
            // A stopped supervisor takes a request into the kernel's buffer; only its answer shows whether it lives.
            socket.Send([.. JsonSerializer.SerializeToUtf8Bytes(request, ControlJson.Default.ControlRequest), (byte)'\n']);
            line = ReadLine(socket);
        }
        catch (SocketException)
        {
            throw new ControlException(ExitCodes.Unexpected, $"the supervisor on {path} closed the connection without an answer: it may be leaving. Try again.");
        }

        ControlResponse? response;
        try
        {
            response = JsonSerializer.Deserialize(line, ControlJson.Default.ControlResponse);
        }
        catch (JsonException)
        {
            response = null;
        }

        return response switch
        {
            { Error: { } error } => throw new ControlException(ExitCodes.Unexpected, $"the supervisor on {path} says: {error}."),
            { } answer when part(answer) is { } found => found,
            _ => throw new ControlException(ExitCodes.Unexpected, $"what answers on {path} is no supervisor of this kind. Name the right socket with --control."),
        };
    }

    private byte[] ReadLine(Socket socket)
    {
        var started = time.GetTimestamp();
        var line = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (line.Length < LongestAnswer)
        {
            var left = limit - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero || !socket.Poll(left, SelectMode.SelectRead))
            {
                var pid = PeerOf(socket)?.Pid;
                throw new ControlException(
                    ExitCodes.Unexpected,
                    $"the supervisor on {path} did not answer within {Duration.Format(limit)}{(pid > 0 ? $": look at it with ps -o pid,stat,wchan -p {pid}" : "")}.");
            }

            var count = socket.Receive(buffer);
            var end = buffer.AsSpan(0, count).IndexOf((byte)'\n');
            line.Write(buffer, 0, end < 0 ? count : end);
            if (end >= 0)
            {
                return line.ToArray();
            }

            if (count == 0)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }
        }

        // Not a line of ours.
        return [];
    }

    // The process that listens, in this process's own numbering (0 when it cannot be seen from here), and whom it runs as.
    private static unsafe (int Pid, uint User)? PeerOf(Socket socket)
    {
        Posix.Ucred peer;
        var length = sizeof(Posix.Ucred);
        return Libc.getsockopt((int)socket.Handle, Libc.SOL_SOCKET, Posix.SO_PEERCRED, &peer, &length) == 0 ? (peer.pid, peer.uid) : null;
    }
}
