using System.Buffers.Binary;

namespace KestrelGreenTransport.Contract;

/// <summary>
/// One full beat, as stored in a heartbeat file (56 bytes, little-endian). A beat proves that work got done: it passed
/// through every event loop and the thread pool before it was written.
/// </summary>
internal readonly record struct HeartbeatRecord(
    ulong Sequence, int Pid, int Index, long Generation, WorkerState State, long Beats, long MonotonicNanoseconds)
{
    public const int Size = 56;
    public const int SequenceOffset = 8;

    private const uint LayoutVersion = 1;
    private static ReadOnlySpan<byte> Magic => "GBT1"u8;

    /// <summary>An odd sequence means that the writer is in the middle of the record.</summary>
    public bool IsBeingWritten => (Sequence & 1) != 0;

    public void Write(Span<byte> destination)
    {
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], LayoutVersion);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], Sequence);
        BinaryPrimitives.WriteInt32LittleEndian(destination[16..], Pid);
        BinaryPrimitives.WriteInt32LittleEndian(destination[20..], Index);
        BinaryPrimitives.WriteInt64LittleEndian(destination[24..], Generation);
        BinaryPrimitives.WriteInt64LittleEndian(destination[32..], (long)State);
        BinaryPrimitives.WriteInt64LittleEndian(destination[40..], Beats);
        BinaryPrimitives.WriteInt64LittleEndian(destination[48..], MonotonicNanoseconds);
    }

    /// <summary>Reads a record; false if size, magic, version or state are wrong.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out HeartbeatRecord record)
    {
        record = default;
        if (source.Length < Size
            || !source[..4].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != LayoutVersion)
        {
            return false;
        }

        var state = BinaryPrimitives.ReadInt64LittleEndian(source[32..]);
        if (state is < (long)WorkerState.Booting or > (long)WorkerState.Draining)
        {
            return false;
        }

        record = new HeartbeatRecord(
            BinaryPrimitives.ReadUInt64LittleEndian(source[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[20..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[24..]),
            (WorkerState)state,
            BinaryPrimitives.ReadInt64LittleEndian(source[40..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[48..]));
        return true;
    }
}
