using System.Buffers;
using System.IO.Pipelines;

namespace KestrelGreenTransport.Proxying;

/// <summary>
/// Reads one connection's header. The header, the client or the time limit ends it: only one of them, so that a limit that
/// comes too late does not cancel a read of the app.
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

    /// <summary>Sets a new time limit, counted from now.</summary>
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
                // Load balancers open a connection without sending a byte to check that the port is open.
                return result.Buffer.IsEmpty ? (HeaderOutcome.Left, default, "") : (HeaderOutcome.Malformed, default, "it is truncated");
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
