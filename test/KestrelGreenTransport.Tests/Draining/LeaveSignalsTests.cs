using System.Diagnostics;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Draining;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;

namespace KestrelGreenTransport.Tests.Draining;

// Alone: a SIGTERM to this process stops every host in it, those of other tests too.
[CollectionDefinition(nameof(LeaveSignalsTests), DisableParallelization = true)]
[Collection(nameof(LeaveSignalsTests))]
public class LeaveSignalsTests
{
    [Fact]
    public async Task A_signal_is_noted_before_the_host_hears_of_it_and_Ctrl_C_in_Development_is_not()
    {
        var cause = new StopCause();
        var heard = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);

        // Stands in for the host's own handler, which is also registered before ours.
        using var host = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            heard.TrySetResult(cause.IsTold);
        });
        using var signals = new LeaveSignals(cause, new HostingEnvironment { EnvironmentName = Environments.Production });
        await signals.StartingAsync(TestContext.Current.CancellationToken);
        using var kill = Process.Start("kill", ["-TERM", $"{Environment.ProcessId}"]);
        Assert.True(await Wait.ForAsync(heard.Task));

        Assert.Equal([PosixSignal.SIGTERM, PosixSignal.SIGQUIT, PosixSignal.SIGINT], LeaveSignals.Of(new HostingEnvironment { EnvironmentName = Environments.Production }));
        Assert.Equal([PosixSignal.SIGTERM, PosixSignal.SIGQUIT], LeaveSignals.Of(new HostingEnvironment { EnvironmentName = Environments.Development }));
    }
}
