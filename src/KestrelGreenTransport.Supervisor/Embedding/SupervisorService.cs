using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Runtime;
using KestrelGreenTransport.Supervisor.Settings;
using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Supervisor.Embedding;

/// <summary>A supervisor as a hosted service, on a thread of its own.</summary>
internal sealed class SupervisorService(SupervisedApp app, IHostApplicationLifetime lifetime) : IHostedService
{
    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Action<SupervisorEvent>> _running = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isStarted;

    /// <exception cref="PlatformNotSupportedException">The system is not Linux.</exception>
    /// <exception cref="InvalidOperationException">A setting is wrong, or the app cannot be run.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("The supervisor needs Linux; elsewhere run the app without it, as one process.");
        }

        var (plan, exitCode, problems) = app.Plan();
        if (plan is null)
        {
            Environment.ExitCode = exitCode;
            throw new InvalidOperationException(string.Join(Environment.NewLine, problems));
        }

        _isStarted = true;
        new Thread(() => Run(plan)) { IsBackground = false, Name = "green supervisor" }.Start();
        return Task.CompletedTask;
    }

    /// <summary>Requests a graceful stop, and a quick one when the host's shutdown time-out has passed.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!_isStarted)
        {
            return;
        }

        await Task.WhenAny(_running.Task, _ended.Task);
        if (!_ended.Task.IsCompleted)
        {
            var post = await _running.Task;
            post(new StopRequested(StopKind.Graceful));
            using var impatient = cancellationToken.Register(() => post(new StopRequested(StopKind.Quick)));
            await _ended.Task;
        }
    }

    private void Run(LaunchPlan plan)
    {
        var exitCode = ExitCodes.Unexpected;
        try
        {
            exitCode = SupervisorHost.RunEmbedded(plan, _running.SetResult);
        }
        finally
        {
            // It ends by itself only if it cannot continue.
            Environment.ExitCode = exitCode;
            _ended.SetResult(exitCode);
            lifetime.StopApplication();
        }
    }
}
