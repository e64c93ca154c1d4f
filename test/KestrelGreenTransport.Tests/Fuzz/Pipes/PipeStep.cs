namespace KestrelGreenTransport.Tests.Fuzz.Pipes;

/// <summary>One action of the app or its client.</summary>
/// <param name="What">The action.</param>
/// <param name="A">A size in bytes, thousandths of what is available, or a variant.</param>
/// <param name="B">Like A.</param>
internal readonly record struct PipeStep(PipeAction What, int A, int B);

internal enum PipeAction
{
    /// <summary>The client sends A bytes.</summary>
    Send,

    /// <summary>The client closes its half.</summary>
    HalfClose,

    /// <summary>The client resets the connection.</summary>
    Reset,

    /// <summary>The client receives A thousandths of what was flushed.</summary>
    Receive,

    /// <summary>Reads until everything that was sent is in one result.</summary>
    ReadAll,

    /// <summary>The same with TryRead.</summary>
    TryReadAll,

    /// <summary>TryRead when nothing has arrived.</summary>
    TryReadNothing,

    /// <summary>AdvanceTo: A thousandths consumed, B thousandths examined.</summary>
    Advance,

    /// <summary>AdvanceTo with less examined than before: a Pipe allows it, and the next read completes at once.</summary>
    AdvanceBack,

    /// <summary>A read that waits until the client sends A bytes.</summary>
    ReadUntilSent,

    /// <summary>A read that waits until it is cancelled by another thread.</summary>
    ReadUntilCancelled,

    /// <summary>A read that waits until its token is cancelled.</summary>
    ReadUntilToken,

    /// <summary>A read that waits until the client closes its half.</summary>
    ReadUntilHalfClosed,

    /// <summary>A read that waits until the client resets.</summary>
    ReadUntilReset,

    /// <summary>A read that waits until the connection is aborted by another thread.</summary>
    ReadUntilAborted,

    /// <summary>A read that waits until the output is completed.</summary>
    ReadUntilOutputCompleted,

    /// <summary>A read that still waits when the app ends.</summary>
    ReadAndEnd,

    /// <summary>CancelPendingRead while no read waits.</summary>
    CancelRead,

    /// <summary>The next read after that, with ReadAsync or TryRead.</summary>
    ReadCancelled,

    /// <summary>A read with a cancelled token.</summary>
    ReadWithCancelledToken,

    /// <summary>Writes A bytes with a size hint of B.</summary>
    Write,

    /// <summary>A flush of an amount that fits.</summary>
    Flush,

    /// <summary>CancelPendingFlush while no flush waits.</summary>
    CancelFlush,

    /// <summary>A flush with a cancelled token.</summary>
    FlushWithCancelledToken,

    /// <summary>A flush of more than fits, while the client receives.</summary>
    FlushMuch,

    /// <summary>A flush of more than fits, cancelled by another thread.</summary>
    FlushMuchUntilCancelled,

    /// <summary>A flush of more than fits, whose token is cancelled.</summary>
    FlushMuchUntilToken,

    /// <summary>Completes the input; A: with an error.</summary>
    CompleteInput,

    /// <summary>Completes the output; A: with an error.</summary>
    CompleteOutput,

    /// <summary>Aborts the connection; A: without a reason.</summary>
    Abort,

    /// <summary>Reads again after the connection was reset or aborted.</summary>
    ReadAfterEnd,

    /// <summary>Writes after the connection was reset or aborted, until a flush reports that it is completed.</summary>
    FlushAfterEnd,

    /// <summary>Misuse, selected by A.</summary>
    Nonsense,

    /// <summary>Blocks the thread for A milliseconds.</summary>
    Block,

    /// <summary>Continues on the thread pool.</summary>
    Yield,
}
