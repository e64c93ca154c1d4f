using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Dumps;

namespace KestrelGreenTransport.Supervisor.Tests.Dumps;

public sealed class DiagnosticsPortTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("green-port-").FullName;

    public DiagnosticsPortTests() => File.SetUnixFileMode(_folder, (UnixFileMode)0b1_111_111_111);

    private DiagnosticsPort Own => new(Environment.ProcessId, Libc.geteuid(), _folder);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_port_of_a_process_is_the_one_that_its_own_runtime_opens()
    {
        var port = new DiagnosticsPort(Environment.ProcessId, Libc.geteuid(), Path.GetTempPath());

        Assert.True(File.Exists(port.PortPath), $"{port.PortPath} of {string.Join(' ', Directory.GetFileSystemEntries(Path.GetTempPath(), $"dotnet-diagnostic-{Environment.ProcessId}-*"))}");
        Assert.Null(new DiagnosticsPort(int.MaxValue, 0, _folder).PortPath);
    }

    [Fact]
    public async Task Another_process_or_user_in_its_place_is_not_asked()
    {
        // As any local user may do: a name newer than the true one, and one in place of the true one.
        await File.WriteAllTextAsync(Path.Combine(_folder, $"dotnet-diagnostic-{Environment.ProcessId}-{ulong.MaxValue}-socket"), "", TestContext.Current.CancellationToken);
        Assert.Contains("has no diagnostics port", Own.WriteReport("/nowhere", Limit));

        var init = new DiagnosticsPort(1, Libc.geteuid(), _folder);
        using (var posing = Listen(init))
        {
            Assert.Contains("another one has taken the place", init.WriteReport("/nowhere", Limit));
            Assert.Equal(0, await Received(posing));
        }

        if (Environment.IsPrivilegedProcess)
        {
            using var posing = AsUser.Run(65534, () => Listen(Own));
            Assert.Contains("another one has taken the place", Own.WriteReport("/nowhere", Limit));
            Assert.Equal(0, await Received(posing));
        }
    }

    [Fact]
    public async Task An_answer_byte_by_byte_has_the_same_limit_as_one_that_does_not_come()
    {
        using var listener = Listen(Own);
        var asked = Task.Run(() => Own.WriteReport("/nowhere", TimeSpan.FromMilliseconds(300)), TestContext.Current.CancellationToken);
        using var client = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        var request = new byte[1024];
        var size = await client.ReceiveAsync(request, TestContext.Current.CancellationToken);
        try
        {
            // Each byte arrives within the limit of one call, but there is no end of them. Stops when the other side gives up.
            while (!client.Poll(TimeSpan.FromMilliseconds(20), SelectMode.SelectRead))
            {
                await client.SendAsync(new byte[] { 0xff }, TestContext.Current.CancellationToken);
            }
        }
        catch (SocketException)
        {
            // It closed between the poll and the send.
        }

        Assert.InRange(size, 20, request.Length);
        Assert.Contains("did not answer within 0.3 s", await asked);
    }

    [Fact]
    public async Task A_refusal_is_one_line_that_steers_no_terminal()
    {
        using var listener = Listen(Own);
        var asked = Task.Run(() => Own.WriteReport("/nowhere", Limit), TestContext.Current.CancellationToken);
        using var client = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        var text = Encoding.Unicode.GetBytes("no\n[green] 2026-01-01 fail: forged \e[2J\u202e");
        var answer = new byte[28 + text.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(answer.AsSpan(14), (ushort)answer.Length);
        answer[16] = 0xff;
        answer[17] = 0xff;
        text.CopyTo(answer, 28);
        await client.SendAsync(answer, TestContext.Current.CancellationToken);

        Assert.Equal("the runtime refused (0x00000000): no [green] 2026-01-01 fail: forged \\u001b[2J\\u202e", await asked);
    }

    private static Socket Listen(DiagnosticsPort port)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(port.PortPath!));
        File.SetUnixFileMode(port.PortPath!, (UnixFileMode)0b110_110_110);
        socket.Listen();
        return socket;
    }

    // What it received before the other side closed.
    private static async Task<int> Received(Socket listener)
    {
        using var client = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        return await client.ReceiveAsync(new byte[64], TestContext.Current.CancellationToken);
    }
}
