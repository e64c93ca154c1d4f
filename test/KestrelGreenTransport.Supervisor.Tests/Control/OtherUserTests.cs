using System.Net.Sockets;
using System.Text;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.Extensions.Logging.Abstractions;

namespace KestrelGreenTransport.Supervisor.Tests.Control;

/// <summary>The control socket between users, with real users if the tests run as root.</summary>
public sealed class OtherUserTests : IDisposable
{
    private const UnixFileMode Everybody = (UnixFileMode)0b111_111_111;
    private const uint Somebody = 65534;
    private const uint SomebodyElse = 65533;

    private readonly string _folder = Directory.CreateTempSubdirectory("green-users-").FullName;

    // With the mode of /tmp.
    public OtherUserTests() => File.SetUnixFileMode(_folder, Everybody | UnixFileMode.StickyBit);

    private string SocketPath => Path.Combine(_folder, "shop.sock");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1000, 1000, true)]
    [InlineData(0, 1000, true)]
    [InlineData(1000, 0, true)]
    [InlineData(1001, 1000, false)]
    public void A_client_asks_its_own_users_supervisor_or_roots_and_root_asks_anyones(uint owner, uint caller, bool isTrusted) =>
        Assert.Equal(isTrusted, ControlClient.IsTrusted(owner, caller));

    [Fact]
    public void Another_user_cannot_connect_and_is_refused_by_its_credentials_where_it_can()
    {
        var taken = 0;
        using var server = new ControlServer(
            ControlSocket.Bind(SocketPath), (_, done) => { taken++; done(); }, (_, _, _) => taken++, static () => SampleStatus.Document,
            new Dictionary<string, Func<ControlRequest, ControlResponse>>(), new Dictionary<string, Action<ControlRequest, Action<ControlResponse>>>(),
            NullLogger.Instance, TimeProvider.System);
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
            return;
        }

        Assert.Equal(SocketError.AccessDenied, Assert.Throws<SocketException>(() => AsUser.Run(Somebody, () => Ask("stop"))).SocketErrorCode);
        File.SetUnixFileMode(SocketPath, Everybody);
        Assert.Equal("""{"error":"this control socket belongs to another user","status":null}""", AsUser.Run(Somebody, () => Ask("stop")));
        Assert.Equal(0, taken);
    }

    [Fact]
    public void What_another_user_put_in_the_place_of_a_supervisor_is_not_believed()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.False(ControlClient.IsTrusted(Somebody, SomebodyElse));
            return;
        }

        // The kernel records a socket's owner when it starts to listen.
        using var liar = AsUser.Run(Somebody, () => new FakeSupervisor(SocketPath, SampleStatus.Answer(SampleStatus.Document)));
        File.SetUnixFileMode(SocketPath, Everybody);

        var refused = Assert.Throws<ControlException>(() => AsUser.Run(SomebodyElse, () => new ControlClient(SocketPath).Ask(new ControlRequest { Command = "status" })));

        Assert.Contains("belongs to user 65534, not to you", refused.Message);
        Assert.Empty(liar.Requests);
        Assert.Equal("hello", AsUser.Run(Somebody, () => new ControlClient(SocketPath).Ask(new ControlRequest { Command = "status" })).Name);
    }

    [Fact]
    public void A_folder_that_another_user_prepared_is_refused()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        Assert.Equal(0, AsUser.Run(Somebody, () => Posix.mkdir(Path.Combine(_folder, "trap"), 0b111_111_111)));
        File.SetUnixFileMode(Path.Combine(_folder, "trap"), Everybody);

        var refused = Assert.Throws<StartupException>(() => AsUser.Run(SomebodyElse, () => ControlSocket.Bind(Path.Combine(_folder, "trap", "shop.sock"))));

        Assert.Contains("belongs to another user (65534)", refused.Message);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_folder, "trap")));
    }

    [Fact]
    public void A_folder_in_which_others_could_replace_the_socket_is_refused()
    {
        foreach (var open in (int[])[0b111_111_111, 0b111_111_101])
        {
            File.SetUnixFileMode(_folder, (UnixFileMode)open);
            Assert.Contains($"other users can write to {_folder}", Assert.Throws<StartupException>(() => ControlSocket.Bind(SocketPath)).Message);
        }

        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
        var socket = ControlSocket.Bind(SocketPath);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));

        // A cleaner of temporary files may have deleted it first.
        Directory.Delete(_folder, recursive: true);
        socket.Dispose();
        Directory.CreateDirectory(_folder);
    }

    private string Ask(string command)
    {
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(SocketPath));
        try
        {
            client.Send(Encoding.UTF8.GetBytes($$"""{"command":"{{command}}"}""" + "\n"));
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.Shutdown)
        {
            // Refused before it has sent its request: the answer has arrived anyway.
        }

        var answer = new byte[4096];
        return Encoding.UTF8.GetString(answer, 0, client.Receive(answer)).TrimEnd();
    }
}
