using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Dumps;

// A thread of the runtime answers there, so a starved thread pool or a blocked event loop does not matter, and
// the process continues afterwards. A stopped process does not answer; nor does one that was started with
// DOTNET_EnableDiagnostics=0.
//
// Any user may write to the folder. The kernel says which process listens on the socket, and only the worker itself is
// asked. The worker may be hostile too: the whole exchange has one time limit, and its answer is treated as data.

/// <summary>Asks a .NET process for a dump of itself, over the socket that its runtime opens (dotnet/diagnostics, ipc-protocol.md).</summary>
/// <param name="pid">The process.</param>
/// <param name="user">The user that it runs as.</param>
/// <param name="directory">Where its runtime opens the socket: its TMPDIR.</param>
internal sealed class DiagnosticsPort(int pid, uint user, string directory)
{
    private const int HeaderSize = 20;
    private const int LongestAnswer = 4096;
    private const byte DumpCommandSet = 1;
    private const byte GenerateCoreDump3 = 3;
    private const byte ServerCommandSet = 0xFF;
    private const byte Ok = 0;

    // CrashReportEnabled and CrashReportOnly of the runtime's generateDumpFlags.
    private const uint ReportOnly = 0x4 | 0x8;

    private static ReadOnlySpan<byte> Magic => "DOTNET_IPC_V1\0"u8;

    /// <summary>Has the process write its threads' stacks to <c>PATH.crashreport.json</c>. Returns what went wrong, or null.</summary>
    public string? WriteReport(string path, TimeSpan limit) => Ask(path, (uint)GreenDumpKind.Mini, ReportOnly, limit);

    /// <summary>Has the process write a dump to this path. Returns what went wrong, or null.</summary>
    public string? WriteDump(string path, GreenDumpKind kind, TimeSpan limit) => Ask(path, (uint)kind, 0, limit);

    /// <summary>The name of the file that <see cref="WriteReport"/> creates.</summary>
    public static string ReportFile(string path) => $"{path}.crashreport.json";

    /// <summary>
    /// The socket's path. The runtime names it by the pid and the start time in kernel ticks, so that a socket left by an
    /// earlier process of this pid is not mistaken for it. Null when the process is gone.
    /// </summary>
    public string? PortPath => ProcFs.StartTicksOf(pid) is { } start
        ? Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"dotnet-diagnostic-{pid}-{start}-socket"))
        : null;

    internal static byte[] Request(string path, uint kind, uint flags)
    {
        var name = Encoding.Unicode.GetBytes(path + '\0');
        var message = new byte[HeaderSize + sizeof(uint) + name.Length + (2 * sizeof(uint))];
        Magic.CopyTo(message);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(14), (ushort)message.Length);
        message[16] = DumpCommandSet;
        message[17] = GenerateCoreDump3;
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(HeaderSize), (uint)(name.Length / sizeof(char)));
        name.CopyTo(message.AsSpan(HeaderSize + sizeof(uint)));
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(message.Length - 8), kind);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(message.Length - 4), flags);
        return message;
    }

    private string? Ask(string path, uint kind, uint flags, TimeSpan limit)
    {
        var deadline = TimeProvider.System.GetTimestamp() + (long)(limit.TotalSeconds * TimeProvider.System.TimestampFrequency);
        try
        {
            if (PortPath is not { } port || !File.Exists(port))
            {
                return $"it has no diagnostics port in {directory} (another TMPDIR, DOTNET_EnableDiagnostics=0, or no CoreCLR)";
            }

            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.SendTimeout = LeftUntil(deadline);
            socket.Connect(new UnixDomainSocketEndPoint(port));
            if (PeerOf(socket) is not { } peer || peer.pid != pid || peer.uid != user)
            {
                return $"the process listening on {port} is not the worker: another one has taken the place of its diagnostics port";
            }

            socket.Send(Request(path, kind, flags));
            var answer = new byte[LongestAnswer];
            var received = 0;
            while (received < HeaderSize + sizeof(int) || received < Math.Min(LongestAnswer, (int)BinaryPrimitives.ReadUInt16LittleEndian(answer.AsSpan(14))))
            {
                socket.ReceiveTimeout = LeftUntil(deadline);
                var more = socket.Receive(answer, received, answer.Length - received, SocketFlags.None);
                if (more == 0)
                {
                    return "it closed its diagnostics port without an answer";
                }

                received += more;
            }

            return answer[16] == ServerCommandSet && answer[17] == Ok ? null : Refusal(answer.AsSpan(HeaderSize, received - HeaderSize));
        }
        catch (SocketException failed)
        {
            return failed.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock
                ? string.Create(CultureInfo.InvariantCulture, $"its diagnostics port did not answer within {limit.TotalSeconds:0.#} s")
                : $"its diagnostics port failed: {failed.Message}";
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            return $"its diagnostics port cannot be reached: {failed.Message}";
        }
    }

    // Limits the whole exchange: with a limit per call, an answer sent byte by byte could take forever. Zero would mean no limit.
    private static int LeftUntil(long deadline)
    {
        var left = TimeProvider.System.GetElapsedTime(TimeProvider.System.GetTimestamp(), deadline);
        return left > TimeSpan.Zero ? (int)Math.Ceiling(left.TotalMilliseconds) : throw new SocketException((int)SocketError.TimedOut);
    }

    private static unsafe Posix.Ucred? PeerOf(Socket socket)
    {
        Posix.Ucred peer;
        var length = sizeof(Posix.Ucred);
        return Libc.getsockopt((int)socket.Handle, Libc.SOL_SOCKET, Posix.SO_PEERCRED, &peer, &length) == 0 ? peer : null;
    }

    // An error code, then (since .NET 8) createdump's message, length-prefixed, in UTF-16.
    private static string Refusal(ReadOnlySpan<byte> payload)
    {
        var code = BinaryPrimitives.ReadUInt32LittleEndian(payload);
        var text = payload.Length > 8 ? TerminalText.OneLine(Encoding.Unicode.GetString(payload[8..]).Trim('\0', '\n')) : "";
        return string.Create(CultureInfo.InvariantCulture, $"the runtime refused (0x{code:X8}){(text.Length > 0 ? $": {text}" : "")}");
    }
}
