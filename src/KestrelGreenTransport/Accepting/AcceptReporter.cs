using KestrelGreenTransport.Native;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Accepting;

/// <summary>
/// Reports to logs and metrics how accepting on one listener goes, the same for every backend.
///
/// Nothing here throws, whatever loggers and meter listeners do (<see cref="ForeignCode"/>): a log line must not end
/// accepting.
/// </summary>
internal sealed class AcceptReporter(string endpoint, TransportMeter meter, ILogger logger)
{
    private readonly KeyValuePair<string, object?> _tag = new(TransportMeter.EndpointTag, endpoint);

    /// <summary>Accepting waits, because every slot is taken.</summary>
    public void PoolFull() => Tell(() =>
    {
        meter.AcceptPauses.Add(1, _tag);
        Log.PoolFull(logger, endpoint);
    });

    /// <summary>Idle connections were ended for waiting clients.</summary>
    public void Reclaimed(int connections) => Tell(() => Log.IdleReclaimed(logger, endpoint, connections));

    /// <summary>An accept failed; the verdict says what happens next.</summary>
    public void Failed(int errno, AcceptVerdict verdict)
    {
        if (verdict.Action != AcceptAction.Retry)
        {
            Tell(() => meter.AcceptErrors.Add(1, _tag, new("error.type", Errno.NameOf(errno))));
            Tell(() => LogFailure(errno, verdict));
        }
    }

    /// <summary>An accept succeeded after failures.</summary>
    public void Recovered(int failures) => Tell(() => Log.AcceptRecovered(logger, endpoint, failures));

    /// <summary>A connection was accepted but could not be set up; its socket is closed and its slot is free again.</summary>
    public void ConnectionSetupFailed(Exception exception) => Tell(() => Log.ConnectionSetupFailed(logger, exception, endpoint));

    private static void Tell(Action telling) => ForeignCode.Run(static telling => telling(), telling);

    private void LogFailure(int errno, AcceptVerdict verdict)
    {
        var reason = new Result(-1, errno).Message;
        if (verdict.Action == AcceptAction.End)
        {
            Log.ListenerEnded(logger, endpoint, reason, errno);
        }
        else if (verdict.IsNews)
        {
            Log.AcceptFailed(logger, endpoint, reason, errno, verdict.Delay.TotalMilliseconds);
        }
    }
}
