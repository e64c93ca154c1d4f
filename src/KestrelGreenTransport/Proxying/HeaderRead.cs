using System.Buffers;
using System.IO.Pipelines;

namespace KestrelGreenTransport.Proxying;

/// <summary>
/// The reading of one connection's header, which ends by the header, by the client or by its time limit: by one of them
/// only, so that a limit that comes too late cancels no read of the app's.
/// </summary>
internal sealed class HeaderRead : IDisposable
{
    private readonly PipeReader _input;
    private readonly ITimer _limit;
    private int _isDecided;

    public HeaderRead(PipeReader input, TimeSpan limit, TimeProvider time)
    {
        _input = input;
        _limit = time.CreateTimer(static read => ((HeaderRead)read!).OnLimit(), this, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>From now on it takes no longer than this.</summary>
    public void Hasten(TimeSpan limit) => _limit.Change(limit, Timeout.InfiniteTimeSpan);

    /// <summary>Reads until the header is there or will not come. What follows the header is left in the pipe.</summary>
    /// <exception cref="IOException">The client reset the connection, or another error of the pipe.</exception>
    public async ValueTask<(HeaderOutcome Outcome, ProxyHeader Header, string Problem)> RunAsync(GreenTransportProxyProtocol versions)
    {
        while (true)
        {
            var result = await _input.ReadAsync();
            var state = Parse(result.Buffer, versions, out var header, out var problem);
            if (state == ProxyHeaderState.Complete)
            {
                _input.AdvanceTo(result.Buffer.GetPosition(header.Length));
                return TryDecide() ? (HeaderOutcome.Complete, header, "") : (HeaderOutcome.TimedOut, default, "");
            }

            _input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (state == ProxyHeaderState.Malformed)
            {
                return (HeaderOutcome.Malformed, default, problem);
            }

            if (result.IsCanceled)
            {
                return (HeaderOutcome.TimedOut, default, "");
            }

            if (result.IsCompleted)
            {
                // A connection without a byte is how load balancers ask whether somebody listens.
                return result.Buffer.IsEmpty ? (HeaderOutcome.Left, default, "") : (HeaderOutcome.Malformed, default, "it is cut short");
            }
        }
    }

    public void Dispose() => _limit.Dispose();

    private static ProxyHeaderState Parse(
        in ReadOnlySequence<byte> bytes, GreenTransportProxyProtocol versions, out ProxyHeader header, out string problem)
    {
        if (bytes.IsSingleSegment)
        {
            return ProxyHeaderParser.Read(bytes.FirstSpan, versions, out header, out problem);
        }

        Span<byte> copy = stackalloc byte[(int)Math.Min(bytes.Length, ProxyHeaderParser.MaxLength)];
        bytes.Slice(0, copy.Length).CopyTo(copy);
        return ProxyHeaderParser.Read(copy, versions, out header, out problem);
    }

    private void OnLimit()
    {
        if (TryDecide())
        {
            _input.CancelPendingRead();
        }
    }

    private bool TryDecide() => Interlocked.Exchange(ref _isDecided, 1) == 0;
}

/// <summary>How the reading of a header ended.</summary>
internal enum HeaderOutcome
{
    Complete,
    Malformed,
    TimedOut,

    /// <summary>The client closed the connection before it sent anything.</summary>
    Left,
}
