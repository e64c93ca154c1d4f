namespace KestrelGreenTransport.Tests.Fuzz.Pipes;

/// <summary>
/// What is known about a connection at any point of a story, so that every step taken has an outcome that does not depend on
/// timing. Therefore these are left out: sending to an app that has completed its input or output (the answer may be a reset);
/// what a flush reports just after the client has gone (it may not be known yet); a reset or an abort after the client's end of
/// stream (a transport that has not read that end yet never will); and a reset before the client has received all that was
/// flushed (Kestrel's own transport may still be sending, and the kernel reports a reset only once: if the send gets it, the
/// read takes it for an end of stream).
/// </summary>
internal sealed class PipeModel
{
    private const int MostUnread = 40_000;
    private const int MostUnreceived = 20_000;

    public long Sent { get; private set; }

    public long Consumed { get; private set; }

    public long Examined { get; private set; }

    /// <summary>All bytes up to here were examined by an AdvanceTo in the story.</summary>
    public long LookedAt { get; private set; }

    /// <summary>All bytes up to here have been in a result.</summary>
    public long Observed { get; private set; }

    /// <summary>Where the held result ends.</summary>
    public long Held { get; private set; }

    public bool IsReading { get; private set; }

    /// <summary>The held result comes from a cancelled read, after which a Pipe allows another read.</summary>
    public bool MayReadOn { get; private set; }

    public bool IsInputDone { get; private set; }

    public bool IsOutputDone { get; private set; }

    public bool IsHalfClosed { get; private set; }

    /// <summary>Reset or aborted.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>The client sees the end as a reset.</summary>
    public bool IsReset { get; private set; }

    public bool IsReadCancelled { get; private set; }

    public bool IsFlushCancelled { get; private set; }

    public bool IsOver { get; private set; }

    public long Unflushed { get; private set; }

    public long Flushed { get; private set; }

    public long Received { get; private set; }

    private bool IsOpen => !IsEnded && !IsOutputDone && !IsOver;

    private bool MayRead => IsOpen && !IsReading && !IsInputDone;

    // A read that begins now finds nothing.
    private bool WouldWait => MayRead && !IsHalfClosed && !IsReadCancelled && Examined == Sent;

    private bool MayReset => !IsHalfClosed && Received == Flushed;

    private bool MayWrite => IsOpen;

    public bool Allows(PipeStep step) => step.What switch
    {
        PipeAction.Send => IsOpen && !IsInputDone && !IsHalfClosed && Sent - Consumed + step.A <= MostUnread,
        PipeAction.HalfClose => IsOpen && !IsHalfClosed,
        PipeAction.Reset => IsOpen && MayReset,
        PipeAction.Receive => IsOpen && Flushed > Received,
        PipeAction.ReadAll or PipeAction.TryReadAll => MayRead && !IsReadCancelled && (Examined < Sent || IsHalfClosed),
        PipeAction.TryReadNothing => WouldWait,
        PipeAction.Advance => IsReading && !IsInputDone && !IsEnded,
        // Not after a cancelled read: a Pipe then still waits for more.
        PipeAction.AdvanceBack => IsReading && !MayReadOn && !IsInputDone && !IsEnded && LookedAt > Consumed,
        PipeAction.ReadUntilSent => WouldWait && Sent - Consumed + step.A <= MostUnread,
        PipeAction.ReadUntilReset => WouldWait && MayReset,
        PipeAction.ReadUntilCancelled or PipeAction.ReadUntilToken or PipeAction.ReadUntilHalfClosed
            or PipeAction.ReadUntilAborted or PipeAction.ReadUntilOutputCompleted or PipeAction.ReadAndEnd => WouldWait,
        PipeAction.CancelRead => IsOpen && !IsInputDone && !IsReadCancelled,
        PipeAction.ReadCancelled => MayRead && IsReadCancelled,
        PipeAction.ReadWithCancelledToken => MayRead && !IsReadCancelled,
        PipeAction.Write => MayWrite && Unflushed + step.A <= MostUnreceived,
        PipeAction.Flush or PipeAction.FlushWithCancelledToken => MayWrite && Flushed + Unflushed - Received <= MostUnreceived,
        PipeAction.CancelFlush => MayWrite && !IsFlushCancelled,
        PipeAction.FlushMuch or PipeAction.FlushMuchUntilCancelled or PipeAction.FlushMuchUntilToken => MayWrite && !IsFlushCancelled,
        PipeAction.CompleteInput => !IsInputDone && !IsOver && !IsEnded,
        PipeAction.CompleteOutput => IsOpen && (step.A == 0 || !IsHalfClosed),
        PipeAction.Abort => IsOpen && !IsHalfClosed,
        PipeAction.ReadAfterEnd => IsEnded && !IsReading && !IsInputDone && !IsOver,
        PipeAction.FlushAfterEnd => IsEnded && !IsOutputDone && !IsOver,
        PipeAction.Nonsense => !IsOver && !IsEnded && AllowsNonsense((PipeNonsense)step.A),
        _ => !IsOver,
    };

    public void Apply(PipeStep step)
    {
        switch (step.What)
        {
            case PipeAction.Send:
                Sent += step.A;
                break;
            case PipeAction.HalfClose:
                IsHalfClosed = true;
                break;
            case PipeAction.Reset or PipeAction.ReadUntilReset:
                IsEnded = true;
                break;
            case PipeAction.Receive:
                Received += ToReceive(step);
                break;
            case PipeAction.ReadAll or PipeAction.TryReadAll:
                // It may have come in several pieces, each of which was examined.
                Hold();
                Examined = Sent;
                break;
            case PipeAction.Advance:
                (Consumed, Examined) = ToAdvance(step);
                LookedAt = Examined;
                IsReading = false;
                break;
            case PipeAction.AdvanceBack:
                Examined = LookedAt = Consumed;
                IsReading = false;
                break;
            case PipeAction.ReadUntilSent:
                Sent += step.A;
                Hold();
                break;
            case PipeAction.ReadUntilCancelled:
                Hold();
                MayReadOn = true;
                break;
            case PipeAction.ReadUntilHalfClosed:
                IsHalfClosed = true;
                Hold();
                break;
            case PipeAction.ReadUntilAborted or PipeAction.Abort:
                IsEnded = true;
                IsReset = step.A == 0;
                break;
            case PipeAction.ReadUntilOutputCompleted:
                IsOutputDone = true;
                break;
            case PipeAction.ReadAndEnd:
                IsOver = true;
                break;
            case PipeAction.CancelRead:
                IsReadCancelled = true;
                break;
            case PipeAction.ReadCancelled:
                IsReadCancelled = false;
                break;
            case PipeAction.Write:
                Unflushed += step.A;
                break;
            case PipeAction.Flush:
                Flushed += Unflushed;
                Unflushed = 0;
                IsFlushCancelled = false;
                break;
            case PipeAction.CancelFlush:
                IsFlushCancelled = true;
                break;
            case PipeAction.FlushMuch or PipeAction.FlushMuchUntilCancelled or PipeAction.FlushMuchUntilToken:
                Flushed += Unflushed + step.A;
                Unflushed = 0;
                Received = Flushed;
                break;
            case PipeAction.CompleteInput:
                IsInputDone = true;
                IsReading = false;
                break;
            case PipeAction.CompleteOutput:
                IsOutputDone = true;
                IsEnded = IsReset = step.A != 0;
                break;
        }
    }

    public int ToReceive(PipeStep step) => (int)Math.Max(1, (Flushed - Received) * step.A / 1000);

    public (long Consumed, long Examined) ToAdvance(PipeStep step)
    {
        var consumed = Consumed + ((Held - Consumed) * step.A / 1000);
        return (consumed, Math.Max(Math.Max(consumed, Examined), Consumed + ((Held - Consumed) * step.B / 1000)));
    }

    private void Hold()
    {
        IsReading = true;
        MayReadOn = false;
        Held = Observed = Sent;
    }

    private bool AllowsNonsense(PipeNonsense nonsense) => nonsense switch
    {
        PipeNonsense.ReadWhileReading or PipeNonsense.TryReadWhileReading => IsReading && !MayReadOn && !IsInputDone && !IsOutputDone && !IsReadCancelled,
        PipeNonsense.ConsumeMoreThanExamined => IsReading && !IsInputDone && Held > Consumed,
        PipeNonsense.AdvanceWithoutRead => !IsReading && !IsInputDone,
        PipeNonsense.ReadWhenCompleted or PipeNonsense.TryReadWhenCompleted or PipeNonsense.AdvanceInputWhenCompleted
            or PipeNonsense.CancelReadWhenCompleted or PipeNonsense.CompleteInputAgain => IsInputDone,
        PipeNonsense.GetMemoryWhenCompleted or PipeNonsense.GetSpanWhenCompleted or PipeNonsense.AdvanceOutputWhenCompleted
            or PipeNonsense.FlushWhenCompleted or PipeNonsense.WriteWhenCompleted or PipeNonsense.CompleteOutputAgain => IsOutputDone,
        _ => MayWrite,
    };
}
