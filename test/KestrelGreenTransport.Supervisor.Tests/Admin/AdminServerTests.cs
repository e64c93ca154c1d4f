using System.Net.Sockets;
using System.Text;
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
        Assert.Contains("a file that is not a socket exists there", Assert.Throws<StartupException>(Start).Message);
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

    // When the file is created it gets the socket's own mode. The descriptor shows that mode, even after a chmod of the file.
    [Fact]
    public void A_Unix_socket_has_its_mode_before_it_has_a_file()
    {
        using var server = Start();

        var inode = File.ReadLines("/proc/net/unix").Single(line => line.EndsWith($" {SocketPath}", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2];
        var descriptor = Directory.EnumerateFileSystemEntries("/proc/self/fd").First(one => new FileInfo(one).LinkTarget == $"socket:[{inode}]");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(descriptor));
    }

    [Fact]
    public void A_Unix_socket_is_not_put_where_others_could_replace_it()
    {
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_111_111);

        Assert.Contains($"other users can write to {_folder}", Assert.Throws<StartupException>(Start).Message);
    }

    [Fact]
    public async Task Clients_that_say_nothing_and_those_that_never_finish_keep_no_health_check_out()
    {
        var clients = new List<Socket>();
        using var server = AdminServer.Start(Plan, stopping => new AdminApp(Plan, Sources, null!, stopping));
        try
        {
            for (var i = 0; i < (2 * AdminConnections.Most) - AdminConnections.MostBusy; i++)
            {
                clients.Add(await Connect());
                Assert.StartsWith("HTTP/1.1 200", await Ask("GET /healthz", "Connection: close"), StringComparison.Ordinal);
            }

            // An action whose body never arrives is a request in flight; it keeps its place as long as Kestrel lets it.
            for (var i = 0; i < AdminConnections.MostBusy; i++)
            {
                clients.Add(await Connect());
                await Send(clients[^1], "POST /actions/scale", "X-Green-Token: sixteen-letters-at-least", "Content-Type: application/json", "Content-Length: 100");
            }

            var answer = "";
            while (!answer.StartsWith("HTTP/1.1 503", StringComparison.Ordinal))
            {
                answer = await Ask("GET /none", "Connection: close");
            }

            Assert.Contains("too many requests at once", answer, StringComparison.Ordinal);
            Assert.StartsWith("HTTP/1.1 200", await Ask("GET /healthz", "Connection: close"), StringComparison.Ordinal);
        }
        finally
        {
            clients.ForEach(static client => client.Dispose());
        }
    }

    private AdminPlan Plan => new($"unix:{SocketPath}", [ListenEndpoint.Unix(SocketPath)], "sixteen-letters-at-least", IsRemote: false);

    private static AdminSources Sources => new()
    {
        Figures = static () => throw new InvalidOperationException("not asked for"),
        Journal = null!,
        State = static () => throw new InvalidOperationException("not asked for"),
        Silence = static () => TimeSpan.Zero,
        Act = static _ => throw new InvalidOperationException("not asked for"),
    };

    private AdminServer Start() => AdminServer.Start(Plan, static _ => null!);

    private async Task<Socket> Connect()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), TestContext.Current.CancellationToken);
        return client;
    }

    private static async Task Send(Socket client, params string[] head) =>
        await client.SendAsync(Encoding.ASCII.GetBytes($"{head[0]} HTTP/1.1\r\nHost: localhost\r\n{string.Concat(head[1..].Select(static line => line + "\r\n"))}\r\n"), TestContext.Current.CancellationToken);

    private async Task<string> Ask(params string[] head)
    {
        using var client = await Connect();
        await Send(client, head);
        using var reader = new StreamReader(new NetworkStream(client));
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }
}
