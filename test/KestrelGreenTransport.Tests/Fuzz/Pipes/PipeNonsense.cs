namespace KestrelGreenTransport.Tests.Fuzz.Pipes;

/// <summary>Misuse by an app, which every transport must report in the same way.</summary>
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
