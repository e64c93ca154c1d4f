using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace KestrelGreenTransport.Supervisor.Dumps;

// A thread of the runtime's own answers there, so that a starved thread pool or a blocked event loop is no obstacle, and
// the process goes on afterwards. A stopped process does not answer; nor does one that was started with
// DOTNET_EnableDiagnostics=0.

/// <summary>Asks a .NET process for a dump of itself, by the socket that its runtime opens (dotnet/diagnostics, ipc-protocol.md).</summary>
internal static class DiagnosticsPort
{
    private const int HeaderSize = 20;
    private const byte DumpCommandSet = 1;
    private const byte GenerateCoreDump3 = 3;
    private const byte ServerCommandSet = 0xFF;
    private const byte Ok = 0;

    // CrashReportEnabled and CrashReportOnly of the runtime's generateDumpFlags.
    private const uint ReportOnly = 0x4 | 0x8;

    private static ReadOnlySpan<byte> Magic => "DOTNET_IPC_V1\0"u8;

    /// <summary>Has the process write its threads' stacks to <c>PATH.crashreport.json</c>. Returns what went wrong, or null.</summary>
    public static string? WriteReport(int pid, string directory, string path, TimeSpan limit) =>
        Ask(pid, directory, path, (uint)GreenDumpKind.Mini, ReportOnly, limit);

    /// <summary>Has the process write a dump to this path. Returns what went wrong, or null.</summary>
    public static string? WriteDump(int pid, string directory, string path, GreenDumpKind kind, TimeSpan limit) =>
        Ask(pid, directory, path, (uint)kind, 0, limit);

    /// <summary>The name of the file that <see cref="WriteReport"/> makes.</summary>
    public static string ReportFile(string path) => $"{path}.crashreport.json";

    /// <summary>The socket of the process that has this pid now: one that is left over from another process is older. Null when there is none.</summary>
    internal static string? PortOf(int pid, string directory) =>
        Directory.EnumerateFileSystemEntries(directory, string.Create(CultureInfo.InvariantCulture, $"dotnet-diagnostic-{pid}-*-socket")).MaxBy(StartOf);

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

    private static string? Ask(int pid, string directory, string path, uint kind, uint flags, TimeSpan limit)
    {
        try
        {
            if (PortOf(pid, directory) is not { } port)
            {
                return $"it has no diagnostics port in {directory} (another TMPDIR, DOTNET_EnableDiagnostics=0, or no CoreCLR)";
            }

            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            {
                SendTimeout = (int)limit.TotalMilliseconds,
                ReceiveTimeout = (int)limit.TotalMilliseconds,
            };
            socket.Connect(new UnixDomainSocketEndPoint(port));
            socket.Send(Request(path, kind, flags));
            var answer = new byte[4096];
            var received = 0;
            while (received < HeaderSize + sizeof(int) || received < BinaryPrimitives.ReadUInt16LittleEndian(answer.AsSpan(14)))
            {
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

    // The last part of the name, in the kernel's ticks: a number that has a digit more after a while, and so no text to compare.
    private static ulong StartOf(string port) =>
        ulong.TryParse(Path.GetFileName(port).Split('-')[3], NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) ? ticks : 0;

    // An error code, then (since .NET 8) the words of createdump, counted, in UTF-16.
    private static string Refusal(ReadOnlySpan<byte> payload)
    {
        var code = BinaryPrimitives.ReadUInt32LittleEndian(payload);
        var text = payload.Length > 8 ? Encoding.Unicode.GetString(payload[8..]).Trim('\0', '\n') : "";
        return string.Create(CultureInfo.InvariantCulture, $"the runtime refused (0x{code:X8}){(text.Length > 0 ? $": {text}" : "")}");
    }
}
