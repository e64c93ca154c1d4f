using System.Globalization;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Loop;

namespace KestrelGreenTransport.Supervisor.Systemd;

/// <summary>
/// Reports the supervisor's state to systemd, or to another manager with its protocol, and has it store the listening sockets, so
/// that the next supervisor finds them if this one dies. Used by the supervisor's thread alone.
/// </summary>
internal sealed class ServiceManager(NotifySocket socket, ServiceStory story, ListenerSet listeners, StoredSockets stored, TimeProvider time)
    : ISupervisorPart, IDisposable
{
    private readonly HashSet<string> _kept = [.. stored.Keys.Where(BoundListener.IsOursBy)];

    /// <summary>The service manager of this process; null if there is none.</summary>
    public static ServiceManager? Of(Func<string, string?> variable, ListenerSet listeners, StoredSockets stored, TimeProvider time) =>
        NotifySocket.Open(variable("NOTIFY_SOCKET")) is { } socket
            ? new ServiceManager(socket, new ServiceStory(Watchdog(variable, Environment.ProcessId)), listeners, stored, time)
            : null;

    /// <summary>How often the manager expects a sign of life; null if it does not.</summary>
    public static TimeSpan? Watchdog(Func<string, string?> variable, int pid) =>
        long.TryParse(variable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0
        && (variable("WATCHDOG_PID") is not { Length: > 0 } meant || meant == pid.ToString(CultureInfo.InvariantCulture))
            ? TimeSpan.FromMicroseconds(microseconds)
            : null;

    /// <summary>Whether another supervisor reports for the service: the previous one that still runs, or the one that took over.</summary>
    public bool IsMuted { get; set; }

    /// <summary>Names the process that reports for the service from now on; this one then stays silent.</summary>
    public void HandOverTo(int pid)
    {
        socket.Send(string.Create(CultureInfo.InvariantCulture, $"MAINPID={pid}"));
        IsMuted = true;
    }

    public void OnTick(SupervisorState state)
    {
        socket.Flush();
        if (stored.IsOffered && !IsMuted)
        {
            KeepListeners(state.EverServed);
        }

        Tell(state);
    }

    public void OnState(SupervisorState state) => Tell(state);

    public void Dispose() => socket.Dispose();

    private void Tell(SupervisorState state)
    {
        if (IsMuted)
        {
            return;
        }

        foreach (var message in story.Tell(state, time.GetTimestamp()))
        {
            socket.Send(message);
        }
    }

    // Whether a socket of an earlier supervisor is still wanted is known once the first worker serves.
    private void KeepListeners(bool restIsUnwanted)
    {
        var now = listeners.All.Where(static listener => listener.IsOurs).ToDictionary(static listener => listener.Key!);
        foreach (var (key, listener) in now)
        {
            if (_kept.Add(key))
            {
                socket.Send($"FDSTORE=1\nFDNAME={StoredSockets.NameOf(key)}", listener.Descriptor);
            }
        }

        if (restIsUnwanted && _kept.Count > now.Count)
        {
            foreach (var key in _kept.Except(now.Keys).ToArray())
            {
                _kept.Remove(key);
                socket.Send($"FDSTOREREMOVE=1\nFDNAME={StoredSockets.NameOf(key)}");
            }
        }
    }
}
