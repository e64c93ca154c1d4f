using System.Net.Sockets;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;

namespace KestrelGreenTransport.Tests.Draining;

/// <summary>What an app may expect of a stop, whatever transport serves it.</summary>
public class StopTests
{
    private const string GetAndClose = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

    public static TheoryData<ServedBy> ByAll => [ServedBy.Stock, ServedBy.Sockets, ServedBy.EpollAdaptive];

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task New_clients_are_served_while_a_callback_of_ApplicationStopping_waits(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/", static () => "hello"));
        var lifetime = app.Services.GetRequiredService<IHostApplicationLifetime>();
        var sleeps = new TaskCompletionSource();
        using var wakes = new ManualResetEventSlim();
        lifetime.ApplicationStopping.Register(() =>
        {
            sleeps.SetResult();
            wakes.Wait();
        });

        // As a signal does it in app.Run().
        app.Services.GetService<StopCause>()?.Tell();
        var told = Task.Factory.StartNew(lifetime.StopApplication, TaskCreationOptions.LongRunning);
        await Wait.ForAsync(sleeps.Task);
        var stopping = Task.Run(app.StopByOwnerAsync);
        for (var i = 0; i < 20; i++)
        {
            using var client = await app.ConnectAsync();
            await client.SendAsync(GetAndClose);
            Assert.Contains("hello", await Wait.ForAsync(client.ReceiveAllAsync()), StringComparison.Ordinal);
            await Task.Yield();
        }

        Assert.False(stopping.IsCompleted);
        wakes.Set();
        await Wait.ForAsync(Task.WhenAll(told, stopping));
        await Assert.ThrowsAsync<SocketException>(() => app.ConnectAsync());
    }

    [Fact]
    public async Task A_signal_is_noted_before_the_host_hears_of_it_and_Ctrl_C_in_Development_is_not()
    {
        var cause = new StopCause();
        var heard = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);

        // What the host's own handler would find. It was registered before.
        using var host = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            heard.TrySetResult(cause.IsTold);
        });
        using var signals = new LeaveSignals(cause, new HostingEnvironment { EnvironmentName = Environments.Production });
        await signals.StartingAsync(TestContext.Current.CancellationToken);
        using var kill = System.Diagnostics.Process.Start("kill", ["-TERM", $"{Environment.ProcessId}"]);
        Assert.True(await Wait.ForAsync(heard.Task));

        Assert.Equal([PosixSignal.SIGTERM, PosixSignal.SIGQUIT, PosixSignal.SIGINT], LeaveSignals.Of(new HostingEnvironment { EnvironmentName = Environments.Production }));
        Assert.Equal([PosixSignal.SIGTERM, PosixSignal.SIGQUIT], LeaveSignals.Of(new HostingEnvironment { EnvironmentName = Environments.Development }));
    }
}
