namespace KestrelGreenTransport.Tests.Fuzz.Pipes;

/// <summary>What an app should not do, and must be told so in the same way by every transport.</summary>
internal enum PipeNonsense
{
    ReadWhileReading,
    TryReadWhileReading,
    ConsumeMoreThanExamined,
    AdvanceWithoutRead,
    ReadWhenCompleted,
    TryReadWhenCompleted,
    AdvanceInputWhenCompleted,
    CancelReadWhenCompleted,
    CompleteInputAgain,
    NegativeSizeHint,
    AdvanceByLessThanNothing,
    AdvanceTooFar,
    AdvanceByNothing,
    GetMemoryWhenCompleted,
    GetSpanWhenCompleted,
    AdvanceOutputWhenCompleted,
    FlushWhenCompleted,
    WriteWhenCompleted,
    CompleteOutputAgain,
}
