using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Tests.Listening;

/// <summary>Which files are created, changed and removed for a Unix socket while another user manipulates the folders.</summary>
public sealed class SocketFileTests : IDisposable
{
    private const uint Nobody = 65534;
    private const UnixFileMode Everybody = (UnixFileMode)0b111_111_111;
    private const UnixFileMode ReadWrite = (UnixFileMode)0b110_110_110;

    private static readonly ProcessCredentials User = new(Nobody, Nobody, [Nobody]);

    private readonly string _folder = Directory.CreateTempSubdirectory("green-files-").FullName;
    private readonly ListenerSet _listeners = new();

    public SocketFileTests()
    {
        File.SetUnixFileMode(_folder, Everybody);
        Directory.CreateDirectory(Theirs);
        Directory.CreateDirectory(Ours);
    }

    private string Theirs => Path.Combine(_folder, "theirs");

    private string Ours => Path.Combine(_folder, "ours");

    private string SocketPath => Path.Combine(Theirs, "app");

    public void Dispose()
    {
        _listeners.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_folder_that_became_a_link_to_another_loses_nothing_there()
    {
        var bound = Bind();
        File.WriteAllText(Path.Combine(Ours, "app"), "precious");
        Directory.Move(Theirs, Theirs + "-before");
        Directory.CreateSymbolicLink(Theirs, Ours);

        Assert.Empty(_listeners.Adjust(64, Everybody));
        Assert.True(_listeners.Release(bound));

        Assert.Equal("precious", File.ReadAllText(Path.Combine(Ours, "app")));
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(Path.Combine(Ours, "app")) & UnixFileMode.OtherWrite);
        Assert.False(File.Exists(Path.Combine(Theirs + "-before", "app")));
    }

    [Fact]
    public void A_link_in_the_place_of_the_socket_is_neither_followed_nor_removed()
    {
        var bound = Bind();
        var precious = Path.Combine(Ours, "precious");
        File.WriteAllText(precious, "");
        var mode = File.GetUnixFileMode(precious);
        File.Delete(SocketPath);
        File.CreateSymbolicLink(SocketPath, precious);

        Assert.Equal("another file has taken its place", Assert.Single(_listeners.Adjust(64, Everybody)).Error);
        Assert.True(_listeners.Release(bound));

        Assert.Equal(mode, File.GetUnixFileMode(precious));
        Assert.Equal(precious, new FileInfo(SocketPath).LinkTarget);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_folder_that_is_gone_ends_nothing(bool turnsAway)
    {
        var bound = Bind();
        Directory.Delete(Theirs, recursive: true);

        if (turnsAway)
        {
            _listeners.TurnAway();
        }

        Assert.True(_listeners.Release(bound));
        _listeners.CloseOurs();
    }

    [Fact]
    public void The_rights_are_those_that_were_asked_for_whatever_the_umask_is()
    {
        _ = Bind(mode: ReadWrite);

        Assert.Equal(ReadWrite, File.GetUnixFileMode(SocketPath));
    }

    [Fact]
    public void What_a_worker_asks_for_is_made_by_its_user_with_the_rights_that_were_asked_for()
    {
        if (NotRoot())
        {
            return;
        }

        Own(Theirs);
        var bound = Ask($"unix:{SocketPath}", ReadWrite);

        Assert.Null(bound.Error);
        Assert.Equal(ReadWrite, File.GetUnixFileMode(SocketPath));
        using (var file = SocketFile.Find(SocketPath))
        {
            Assert.Equal(Nobody, file!.Owner);
        }

        // A client that asks the socket for its owner must not see the supervisor.
        using (var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            client.Connect(new UnixDomainSocketEndPoint(SocketPath));
            Assert.Equal(Nobody, PeerOf(client).uid);
        }

        Assert.True(_listeners.Release(bound.Listener!));
        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public void A_worker_gets_no_socket_where_its_user_may_not_make_one()
    {
        if (NotRoot())
        {
            return;
        }

        Assert.Equal(Errno.EACCES, Ask($"unix:{Path.Combine(Ours, "app")}").Errno);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Ours));
        var port = Ask("tcp://127.0.0.1:7");
        Assert.Equal(Errno.EACCES, port.Errno);
        Assert.Contains("Name it in -b, ASPNETCORE_URLS or Kestrel:Endpoints", port.Error, StringComparison.Ordinal);
        Assert.Empty(_listeners.All);
    }

    [Fact]
    public void A_port_that_any_user_may_bind_is_bound_and_belongs_to_that_user()
    {
        if (NotRoot())
        {
            return;
        }

        var bound = Ask("tcp://127.0.0.1:0");

        Assert.Null(bound.Error);
        Assert.NotEqual(0, bound.Listener!.Endpoint.IP!.Port);
        var line = File.ReadLines("/proc/net/tcp").Single(line => line.Contains($" {bound.Listener.Inode} ", StringComparison.Ordinal));
        Assert.Equal($"{Nobody}", line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[7]);
        using var client = new TcpClient();
        client.Connect(bound.Listener.Endpoint.IP);
        Assert.Equal(1, bound.Listener.Queued());
        Assert.Equal(Errno.EADDRINUSE, Ask($"tcp://{bound.Listener.Endpoint.IP}", key: "another").Errno);
    }

    [Fact]
    public void A_socket_that_is_left_over_is_replaced_where_the_worker_could_and_nowhere_else()
    {
        if (NotRoot())
        {
            return;
        }

        // The worker's own socket, one of root's in a sticky folder, one in use, and a file that is not a socket.
        Own(Theirs);
        AsUser.Run(Nobody, () => { Leave(SocketPath); return true; });
        Assert.Null(Ask($"unix:{SocketPath}").Error);

        File.SetUnixFileMode(Ours, Everybody | UnixFileMode.StickyBit);
        Leave(Path.Combine(Ours, "stale"));
        Assert.NotNull(Ask($"unix:{Path.Combine(Ours, "stale")}").Error);
        Assert.True(File.Exists(Path.Combine(Ours, "stale")));

        Assert.Equal(Errno.EADDRINUSE, Ask($"unix:{SocketPath}", key: "another").Errno);

        File.WriteAllText(Path.Combine(Theirs, "file"), "precious");
        Own(Path.Combine(Theirs, "file"));
        Assert.Equal(Errno.EADDRINUSE, Ask($"unix:{Path.Combine(Theirs, "file")}").Errno);
        Assert.Equal("precious", File.ReadAllText(Path.Combine(Theirs, "file")));
    }

    [Fact]
    public void A_bind_for_a_worker_that_nothing_was_prepared_for_is_an_answer_all_the_same()
    {
        var outcome = new ListenerBinder(_listeners, StoredSockets.Of(static _ => null)).BindAsked(
            Plan(null), ListenEndpoint.Unix("/" + new string('x', 200)), "key", null);

        Assert.Contains("requested by the app", outcome.Error, StringComparison.Ordinal);
    }

    private static bool NotRoot()
    {
        if (Environment.IsPrivilegedProcess)
        {
            return false;
        }

        Assert.NotNull(Spawn.Call(User, 1, 3, static _ => { }));
        return true;
    }

    private static void Leave(string path)
    {
        using var left = Descriptor.Of(Listening(path));
    }

    private static Socket Listening(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private static unsafe Posix.Ucred PeerOf(Socket client)
    {
        Posix.Ucred peer;
        var length = sizeof(Posix.Ucred);
        Assert.Equal(0, Libc.getsockopt((int)client.Handle, Libc.SOL_SOCKET, Posix.SO_PEERCRED, &peer, &length));
        return peer;
    }

    private static void Own(string path)
    {
        using var opened = new Descriptor(LibcFiles.open(path, 0, 0));
        Assert.Equal(0, LibcFiles.fchown(opened, Nobody, Nobody));
    }

    private BoundListener Bind(UnixFileMode? mode = null) => Assert.Single(
        new ListenerBinder(_listeners, StoredSockets.Of(static _ => null)).Bind(Plan(mode, new BindEndpoint(SocketPath, ListenEndpoint.Unix(SocketPath))), isStart: true));

    private BindOutcome Ask(string text, UnixFileMode? mode = null, string? key = null)
    {
        Assert.True(ListenEndpoint.TryParse(text, out var endpoint));
        return new ListenerBinder(_listeners, StoredSockets.Of(static _ => null)).BindAsked(Plan(mode), endpoint, key ?? text, User);
    }

    private static LaunchPlan Plan(UnixFileMode? mode, params BindSpec[] binds) => new()
    {
        Options = new GreenSupervisorOptions { UnixFileMode = mode },
        App = new AppCommand("/bin/true", [], "/bin/true"),
        Binds = [.. binds],
        Name = "test",
        Renew = static _ => (null, []),
    };
}
