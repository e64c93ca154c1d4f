using System.Runtime.InteropServices;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Hosting;
using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Draining;

/// <summary>
/// Notes that a signal tells the process to exit. It does not act on it: the host's own handler, which was registered before
/// and therefore runs after this one, stops the host.
/// </summary>
internal sealed class LeaveSignals(StopCause cause, IHostEnvironment environment) : HostedLifecycle, IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <summary>The signals that count. A developer's Ctrl+C does not: there are no clients to protect.</summary>
    public static IReadOnlyList<PosixSignal> Of(IHostEnvironment environment) => environment.IsDevelopment()
        ? [PosixSignal.SIGTERM, PosixSignal.SIGQUIT]
        : [PosixSignal.SIGTERM, PosixSignal.SIGQUIT, PosixSignal.SIGINT];

    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in Of(environment))
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, _ => cause.Tell()));
        }

        return Task.CompletedTask;
    }

    public void Dispose() => _registrations.ForEach(static one => one.Dispose());
}
