using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Tests.Binding;

public class EndpointTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task An_address_is_served_on_a_port_that_the_kernel_chose(string address)
    {
        var ip = IPAddress.Parse(address);
        await using var app = await TestApp.StartAsync(kestrel: options => options.Listen(ip, 0));
        Assert.NotEqual(0, app.Address.Port);
        Assert.Equal("hello", await TestApp.GetAsync(new IPEndPoint(ip, app.Address.Port)));
    }

    [Fact]
    public async Task Any_address_takes_IPv4_and_IPv6()
    {
        await using var app = await TestApp.StartAsync(kestrel: options => options.ListenAnyIP(0));
        var port = new Uri(app.Addresses[0].Replace("[::]", "localhost", StringComparison.Ordinal)).Port;
        Assert.Equal("hello", await TestApp.GetAsync(new IPEndPoint(IPAddress.Loopback, port)));
        Assert.Equal("hello", await TestApp.GetAsync(new IPEndPoint(IPAddress.IPv6Loopback, port)));
    }

    [Fact]
    public async Task A_Unix_socket_is_served_and_its_path_is_gone_after_the_stop()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("app.sock");
        await using (var app = await TestApp.StartAsync(kestrel: options => options.ListenUnixSocket(path)))
        {
            Assert.Equal("hello", await TestApp.GetAsync(new UnixDomainSocketEndPoint(path)));
            Assert.Equal($"unix:{path}", app.Pool.Endpoint);
        }

        Assert.False(Path.Exists(path));
    }

    [Fact]
    public async Task An_abstract_Unix_socket_is_served()
    {
        var endPoint = new UnixDomainSocketEndPoint($"\0green-test-{Guid.NewGuid():N}");
        await using var app = await TestApp.StartAsync(kestrel: options => options.Listen(endPoint));
        Assert.Equal("hello", await TestApp.GetAsync(endPoint));
        Assert.Equal($"unix:{endPoint}", app.Pool.Endpoint);
    }

    [Fact]
    public async Task A_file_handle_is_served()
    {
        using var bound = Listeners.Tcp();
        await using var app = await TestApp.StartAsync(kestrel: options => options.ListenHandle((ulong)Listeners.Duplicate(bound)));
        Assert.Equal("hello", await TestApp.GetAsync(bound.LocalEndPoint!));
        Assert.Equal($"tcp://{bound.LocalEndPoint}", app.Pool.Endpoint);
    }

    [Theory]
    [InlineData("/dev/null")]
    [InlineData(null)]
    public async Task A_file_handle_that_is_no_socket_is_refused_by_its_number(string? path)
    {
        var number = 60_000;
        if (path is not null)
        {
            // A separate descriptor: a listener owns the file handle that it is given.
            using var file = File.OpenHandle(path);
            number = Listeners.Duplicate((int)file.DangerousGetHandle());
        }

        var error = await Assert.ThrowsAsync<IOException>(() => TestApp.StartAsync(kestrel: options => options.ListenHandle((ulong)number)));
        Assert.StartsWith($"Cannot listen on fd://{number}: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_port_is_refused_as_Kestrel_expects()
    {
        using var taken = Listeners.Tcp();
        var error = await Assert.ThrowsAsync<IOException>(() => TestApp.StartAsync(kestrel: options => options.Listen((IPEndPoint)taken.LocalEndPoint!)));
        Assert.IsType<AddressInUseException>(error.InnerException);
    }

    [Fact]
    public async Task The_socket_file_of_somebody_who_died_is_replaced()
    {
        using var folder = new TemporaryFolder();
        var endPoint = new UnixDomainSocketEndPoint(folder.File("app.sock"));
        using (Listeners.Unix(new UnixDomainSocketEndPoint(folder.File("before.sock"))))
        {
            // Moved, so that .NET cannot delete it and it stays behind as after a kill.
            File.Move(folder.File("before.sock"), endPoint.ToString());
        }

        Assert.True(Path.Exists(endPoint.ToString()));
        await using var app = await TestApp.StartAsync(kestrel: options => options.Listen(endPoint));
        Assert.Equal("hello", await TestApp.GetAsync(endPoint));
    }

    [Fact]
    public async Task The_socket_file_of_somebody_who_listens_is_left_alone()
    {
        using var folder = new TemporaryFolder();
        var endPoint = new UnixDomainSocketEndPoint(folder.File("app.sock"));
        using var living = Listeners.Unix(endPoint);
        var error = await Assert.ThrowsAsync<IOException>(() => TestApp.StartAsync(kestrel: options => options.Listen(endPoint)));
        Assert.Contains("another process already listens there", error.InnerException!.Message, StringComparison.Ordinal);

        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(endPoint);
    }

    [Fact]
    public async Task Somebody_who_listens_with_a_full_queue_is_left_alone_too()
    {
        using var folder = new TemporaryFolder();
        var endPoint = new UnixDomainSocketEndPoint(folder.File("app.sock"));
        using var living = Listeners.Unix(endPoint, backlog: 0);
        using var waiting = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await waiting.ConnectAsync(endPoint);
        await Assert.ThrowsAsync<IOException>(() => TestApp.StartAsync(kestrel: options => options.Listen(endPoint)));
        Assert.True(Path.Exists(endPoint.ToString()));
    }

    [Fact]
    public async Task A_file_that_is_no_socket_is_never_removed()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("notes.txt");
        await File.WriteAllTextAsync(path, "keep me");
        var error = await Assert.ThrowsAsync<IOException>(() => TestApp.StartAsync(kestrel: options => options.ListenUnixSocket(path)));
        Assert.Contains("not a socket", error.Message, StringComparison.Ordinal);
        Assert.Equal("keep me", await File.ReadAllTextAsync(path));
    }

    [Fact]
    public async Task A_Unix_socket_in_no_folder_is_refused_with_the_reason()
    {
        using var folder = new TemporaryFolder();
        var error = await Assert.ThrowsAsync<IOException>(
            () => TestApp.StartAsync(kestrel: options => options.ListenUnixSocket(folder.File("none/app.sock"))));
        Assert.Contains("the folder does not exist", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite)]
    [InlineData((UnixFileMode)0b111_111_111)]
    public async Task A_Unix_socket_gets_the_access_rights_that_were_asked_for(UnixFileMode mode)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("app.sock");
        await using var app = await TestApp.StartAsync(options => options.UnixFileMode = mode, options => options.ListenUnixSocket(path));
        Assert.Equal(mode, OperatingSystem.IsWindows() ? mode : File.GetUnixFileMode(path));
        Assert.Equal("hello", await TestApp.GetAsync(new UnixDomainSocketEndPoint(path)));
    }
}
