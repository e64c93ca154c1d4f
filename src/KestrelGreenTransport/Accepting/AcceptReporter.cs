using KestrelGreenTransport.Native;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Accepting;

/// <summary>Tells logs and metrics how accepting on one listener goes, the same for every backend.</summary>
internal sealed class AcceptReporter(string endpoint, TransportMeter meter, ILogger logger)
{
    private readonly KeyValuePair<string, object?> _tag = new(TransportMeter.EndpointTag, endpoint);

    /// <summary>Accepting waits, because every slot is taken.</summary>
    public void PoolFull()
    {
        meter.AcceptPauses.Add(1, _tag);
        Log.PoolFull(logger, endpoint);
    }

    /// <summary>An accept failed and this is what happens next.</summary>
    public void Failed(int errno, AcceptVerdict verdict)
    {
        if (verdict.Action == AcceptAction.Retry)
        {
            return;
        }

        meter.AcceptErrors.Add(1, _tag, new("error.type", Errno.NameOf(errno)));
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

    /// <summary>An accept succeeded after failures.</summary>
    public void Recovered(int failures) => Log.AcceptRecovered(logger, endpoint, failures);

    /// <summary>A connection was accepted but could not be set up; its socket is closed and its slot is free again.</summary>
    public void ConnectionSetupFailed(Exception exception) => Log.ConnectionSetupFailed(logger, exception, endpoint);
}
