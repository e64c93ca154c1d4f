using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Admin;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Tests.Admin;

public sealed class AdminServerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("green-admin-").FullName;

    private string SocketPath => Path.Combine(_folder, "admin.sock");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_Unix_socket_is_this_users_alone_and_replaces_nothing_but_what_a_dead_process_left()
    {
        File.WriteAllText(SocketPath, "precious");
        Assert.Contains("a file stands there that is no socket", Assert.Throws<StartupException>(Start).Message);
        Assert.Equal("precious", File.ReadAllText(SocketPath));
        File.Delete(SocketPath);

        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(SocketPath));
            File.Move(SocketPath, SocketPath + ".kept");
        }

        File.Move(SocketPath + ".kept", SocketPath);
        using (Start())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
            Assert.Contains($"the admin endpoint cannot listen on unix:{SocketPath}: address already in use", Assert.Throws<StartupException>(Start).Message);
        }
    }

    private AdminServer Start() =>
        AdminServer.Start(new AdminPlan($"unix:{SocketPath}", [ListenEndpoint.Unix(SocketPath)], null, IsRemote: false), static _ => null!);
}
