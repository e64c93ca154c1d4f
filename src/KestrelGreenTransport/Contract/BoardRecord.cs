using System.Buffers.Binary;

namespace KestrelGreenTransport.Contract;

/// <summary>One worker's line on the board that all siblings read (128 bytes at index × 128, little-endian).</summary>
internal readonly record struct BoardRecord
{
    public const int Size = 128;

    /// <summary>A hot process still compiles up to this many methods per second: its timers and collections need one now and then.</summary>
    public const int FewMethodsPerSecond = 20;

    /// <summary>Monotonic nanoseconds at which the beat thread wrote this.</summary>
    public long WrittenAt { get; init; }

    public int Pid { get; init; }

    public WorkerState State { get; init; }

    public long Connections { get; init; }

    /// <summary>Slots of all pools together.</summary>
    public long Slots { get; init; }

    public long Accepted { get; init; }

    public long Requests { get; init; }

    public long RequestsInFlight { get; init; }

    /// <summary>Monotonic nanoseconds at which the oldest request in flight started; 0 when there is none.</summary>
    public long OldestRequestAt { get; init; }

    /// <summary>Monotonic nanoseconds of the slowest event loop's last pass.</summary>
    public long LoopPassAt { get; init; }

    /// <summary>Monotonic nanoseconds of the last thread-pool round trip.</summary>
    public long ThreadPoolPassAt { get; init; }

    /// <summary>The processor time that the process has used so far.</summary>
    public long CpuNanoseconds { get; init; }

    /// <summary>How many methods its runtime has compiled so far.</summary>
    public long CompiledMethods { get; init; }

    /// <summary>Connections counted as held in addition to <see cref="Connections"/> when shares are computed: a worker in its slow start leaves these to its siblings.</summary>
    public long Ballast { get; init; }

    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        BinaryPrimitives.WriteInt64LittleEndian(destination, WrittenAt);
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], Pid);
        BinaryPrimitives.WriteInt32LittleEndian(destination[12..], (int)State);
        BinaryPrimitives.WriteInt64LittleEndian(destination[16..], Connections);
        BinaryPrimitives.WriteInt64LittleEndian(destination[24..], Slots);
        BinaryPrimitives.WriteInt64LittleEndian(destination[32..], Accepted);
        BinaryPrimitives.WriteInt64LittleEndian(destination[40..], Requests);
        BinaryPrimitives.WriteInt64LittleEndian(destination[48..], RequestsInFlight);
        BinaryPrimitives.WriteInt64LittleEndian(destination[56..], OldestRequestAt);
        BinaryPrimitives.WriteInt64LittleEndian(destination[64..], LoopPassAt);
        BinaryPrimitives.WriteInt64LittleEndian(destination[72..], ThreadPoolPassAt);
        BinaryPrimitives.WriteInt64LittleEndian(destination[80..], CpuNanoseconds);
        BinaryPrimitives.WriteInt64LittleEndian(destination[88..], CompiledMethods);
        BinaryPrimitives.WriteInt64LittleEndian(destination[96..], Ballast);
    }

    /// <summary>Reads a record; false when it is short, was never written, or has a state that is not ours.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out BoardRecord record)
    {
        record = default;
        if (source.Length < Size
            || BinaryPrimitives.ReadInt64LittleEndian(source) == 0
            || BinaryPrimitives.ReadInt32LittleEndian(source[12..]) is < (int)WorkerState.Booting or > (int)WorkerState.Draining)
        {
            return false;
        }

        record = new BoardRecord
        {
            WrittenAt = BinaryPrimitives.ReadInt64LittleEndian(source),
            Pid = BinaryPrimitives.ReadInt32LittleEndian(source[8..]),
            State = (WorkerState)BinaryPrimitives.ReadInt32LittleEndian(source[12..]),
            Connections = BinaryPrimitives.ReadInt64LittleEndian(source[16..]),
            Slots = BinaryPrimitives.ReadInt64LittleEndian(source[24..]),
            Accepted = BinaryPrimitives.ReadInt64LittleEndian(source[32..]),
            Requests = BinaryPrimitives.ReadInt64LittleEndian(source[40..]),
            RequestsInFlight = BinaryPrimitives.ReadInt64LittleEndian(source[48..]),
            OldestRequestAt = BinaryPrimitives.ReadInt64LittleEndian(source[56..]),
            LoopPassAt = BinaryPrimitives.ReadInt64LittleEndian(source[64..]),
            ThreadPoolPassAt = BinaryPrimitives.ReadInt64LittleEndian(source[72..]),
            CpuNanoseconds = BinaryPrimitives.ReadInt64LittleEndian(source[80..]),
            CompiledMethods = BinaryPrimitives.ReadInt64LittleEndian(source[88..]),
            Ballast = BinaryPrimitives.ReadInt64LittleEndian(source[96..]),
        };
        return true;
    }
}
