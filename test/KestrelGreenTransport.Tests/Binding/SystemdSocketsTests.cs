using System.Globalization;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Tests.Binding;

public class SystemdSocketsTests
{
    [Theory]
    [InlineData("7", "2", 2)]
    [InlineData("7", "0", 0)]
    [InlineData("8", "2", null)]
    [InlineData("7", "2000000000", null)]
    [InlineData("7", "-1", null)]
    [InlineData("7", "two", null)]
    [InlineData(null, "2", null)]
    [InlineData("7", null, null)]
    public void A_number_of_descriptors_is_taken_when_it_is_meant_for_this_process_and_possible(string? pid, string? count, int? expected) =>
        Assert.Equal(expected, SystemdSockets.Count(pid, count, 7));

    [Fact]
    public async Task A_socket_of_systemd_is_served_although_the_app_configures_no_endpoint()
    {
        using var tcp = Listeners.Tcp();
        await using var worker = await StartAsync(tcp, "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web", "");
        Assert.Equal($"{tcp.LocalEndPoint}", worker.Address.Authority);
        Assert.Equal("hello", await TestApp.GetAsync(tcp.LocalEndPoint!));
        using var client = new HttpClient { BaseAddress = worker.Address };
        Assert.Equal("(none)", await client.GetStringAsync("/env?name=LISTEN_FDS"));
    }

    [Fact]
    public async Task A_socket_that_was_meant_for_another_process_is_left_alone()
    {
        using var tcp = Listeners.Tcp();
        await using var worker = await StartAsync(tcp, "LISTEN_PID=1 LISTEN_FDS=1", "--urls http://127.0.0.1:0");
        Assert.NotEqual($"{tcp.LocalEndPoint}", worker.Address.Authority);
        using var client = new HttpClient { BaseAddress = worker.Address };
        Assert.Equal("1", await client.GetStringAsync("/env?name=LISTEN_FDS"));
    }

    [Fact]
    public async Task A_descriptor_that_does_not_listen_is_passed_over()
    {
        using var tcp = Listeners.Tcp();
        await using var worker = await StartAsync(tcp, "LISTEN_PID=$$ LISTEN_FDS=2", "", "4</dev/null");
        Assert.Equal($"{tcp.LocalEndPoint}", worker.Address.Authority);
    }

    [Fact]
    public async Task A_shell_can_launch_a_worker()
    {
        using var tcp = Listeners.Tcp();
        await using var worker = await StartAsync(tcp, $"GREEN_WORKER=1 GREEN_LISTEN=3=tcp://{tcp.LocalEndPoint}", "");
        Assert.Equal("hello", await TestApp.GetAsync(tcp.LocalEndPoint!));
        using var client = new HttpClient { BaseAddress = worker.Address };
        Assert.Equal("(none)", await client.GetStringAsync("/env?name=GREEN_WORKER"));
    }

    /// <summary>Starts a worker with the listener as its descriptor 3.</summary>
    private static async Task<WorkerProcess> StartAsync(System.Net.Sockets.Socket listener, string variables, string arguments, string redirections = "")
    {
        // Not close-on-exec, so that the shell gets it.
        var inheritable = Listeners.Duplicate(listener);
        Assert.Equal(0, Libc.fcntl(inheritable, Libc.F_SETFD, 0));
        try
        {
            var number = inheritable.ToString(CultureInfo.InvariantCulture);
            return await WorkerProcess.StartAsync($"exec 3<&{number} {redirections}\nexport {variables}", arguments);
        }
        finally
        {
            Libc.close(inheritable);
        }
    }
}
