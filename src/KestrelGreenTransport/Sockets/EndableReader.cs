using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Sockets;

/// <summary>
/// A connection's reader that can be ended: a waiting read then completes as if the client had closed its half, unless
/// bytes have arrived.
/// </summary>
internal sealed class EndableReader(PipeReader inner, ConnectionActivity activity) : PipeReader
{
    private const int NoRead = 0;

    private int _reads;
    private int _waiting;
    private int _ending;
    private bool _isEnded;
    private ReadOnlySequence<byte> _given;

    /// <summary>Whether the app left part of the last result unconsumed.</summary>
    public bool HasUnconsumed { get; private set; }

    public bool IsWaiting => Volatile.Read(ref _waiting) != NoRead;

    /// <summary>Ends the waiting read, if there is one.</summary>
    public void EndWaiting()
    {
        var waiting = Volatile.Read(ref _waiting);
        if (waiting != NoRead)
        {
            Volatile.Write(ref _ending, waiting);
            inner.CancelPendingRead();
        }
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (_isEnded)
        {
            return new(new ReadResult(ReadOnlySequence<byte>.Empty, isCanceled: false, isCompleted: true));
        }

        var read = inner.ReadAsync(cancellationToken);
        if (read.IsCompletedSuccessfully && Volatile.Read(ref _ending) == NoRead)
        {
            return new(Given(read.Result));
        }

        return WaitAsync(read, cancellationToken);
    }

    public override bool TryRead(out ReadResult result)
    {
        if (_isEnded)
        {
            result = new ReadResult(ReadOnlySequence<byte>.Empty, isCanceled: false, isCompleted: true);
            return true;
        }

        if (!inner.TryRead(out result))
        {
            return false;
        }

        Given(result);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        // After our own end, the positions are not the inner reader's.
        if (!_isEnded)
        {
            HasUnconsumed = !_given.IsEmpty && !consumed.Equals(_given.End);
            _given = default;
            inner.AdvanceTo(consumed, examined);
        }
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> read, CancellationToken cancellationToken)
    {
        while (true)
        {
            _reads = _reads == int.MaxValue ? 1 : _reads + 1;
            Volatile.Write(ref _waiting, _reads);
            ReadResult result;
            try
            {
                result = await read;
            }
            finally
            {
                Volatile.Write(ref _waiting, NoRead);
            }

            if (!result.IsCanceled || Interlocked.Exchange(ref _ending, NoRead) is var ending && ending == NoRead)
            {
                return Given(result);
            }

            // Requested while the read before this one was completing: the connection was not idle then, so do not end this read.
            if (ending != _reads)
            {
                inner.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                read = inner.ReadAsync(cancellationToken);
                continue;
            }

            if (!result.Buffer.IsEmpty)
            {
                return Given(new ReadResult(result.Buffer, isCanceled: false, result.IsCompleted));
            }

            inner.AdvanceTo(result.Buffer.Start);
            _isEnded = true;
            return new ReadResult(ReadOnlySequence<byte>.Empty, isCanceled: false, isCompleted: true);
        }
    }

    private ReadResult Given(ReadResult result)
    {
        _given = result.Buffer;
        if (!result.Buffer.IsEmpty)
        {
            activity.Arrived();
        }

        return result;
    }
}
