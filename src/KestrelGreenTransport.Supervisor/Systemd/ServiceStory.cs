using System.Globalization;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Systemd;

/// <summary>Which messages the service manager gets, and when. Pure: the clock is passed in.</summary>
/// <param name="watchdog">How often the manager expects a sign of life; null if it does not.</param>
internal sealed class ServiceStory(TimeSpan? watchdog)
{
    // Starting, reloading and stopping end by themselves, within BootTimeout and GracefulTimeout. Until then the manager is
    // asked to extend its own time limits, so that those need not be known here.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(5);

    private bool _isReady;
    private bool _isReloading;
    private bool _isStopping;
    private string _status = "";
    private long _askAt;
    private long _aliveAt;

    /// <summary>The messages to send now.</summary>
    /// <param name="state">The arbiter's state.</param>
    /// <param name="now">Monotonic nanoseconds.</param>
    public IReadOnlyList<string> Tell(SupervisorState state, long now)
    {
        var messages = new List<string>();
        var status = StatusOf(state);
        var lines = new List<string>();
        if (state.Stop is not null && !_isStopping)
        {
            _isStopping = true;
            lines.Add("STOPPING=1");
        }
        else if (!_isReady && !_isStopping && state.EverServed)
        {
            _isReady = true;
            lines.Add("READY=1");
        }
        else if (_isReady && !_isStopping && IsReloading(state) != _isReloading)
        {
            _isReloading = !_isReloading;
            lines.Add(_isReloading
                ? string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={now / 1000}")
                : "READY=1");
        }

        if (status != _status)
        {
            _status = status;
            lines.Add($"STATUS={status}");
        }

        if (lines.Count > 0)
        {
            messages.Add(string.Join('\n', lines));
        }

        if ((!_isReady || _isReloading || _isStopping) && now >= _askAt)
        {
            _askAt = now + Nanoseconds.Of(AskEvery);
            messages.Add(string.Create(CultureInfo.InvariantCulture, $"EXTEND_TIMEOUT_USEC={(long)Patience.TotalMicroseconds}"));
        }

        if (watchdog is { } interval && now >= _aliveAt)
        {
            _aliveAt = now + Nanoseconds.Of(interval / 2);
            messages.Add("WATCHDOG=1");
        }

        return messages;
    }

    private static bool IsReloading(SupervisorState state) => state.Phase == SupervisorPhase.Reloading;

    private static string StatusOf(SupervisorState state)
    {
        var serving = state.Workers.Values.Count(static worker => worker.Phase == WorkerPhase.Serving);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{NoticeReporter.Name(state.Phase)}: {serving} of {Counted.Of(state.Target, "worker")} serving, generation {state.Generation}");
    }
}
