using System.Buffers.Binary;
using KestrelGreenTransport.Contract;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Records;

/// <summary>
/// Reads heartbeat files, for any supervisor.
///
/// A record counts only if its sequence is even and unchanged after the read: otherwise the writer was in the middle of it,
/// and the read is repeated.
/// </summary>
internal static class HeartbeatFileReader
{
    // A write takes microseconds. If this many reads in a row meet one, its writer is stopped or dead.
    private const int Attempts = 4;

    public static HeartbeatReading Read(SafeFileHandle file)
    {
        var reading = ReadOnce(file);
        for (var attempt = 1; attempt < Attempts && reading.Outcome is HeartbeatOutcome.Torn or HeartbeatOutcome.Truncated; attempt++)
        {
            reading = ReadOnce(file);
        }

        return reading;
    }

    private static HeartbeatReading ReadOnce(SafeFileHandle file)
    {
        Span<byte> bytes = stackalloc byte[HeartbeatRecord.Size];
        var read = RecordFile.Read(file, bytes, 0);
        if (!read.Ok)
        {
            return new(HeartbeatOutcome.Failed, Error: read.Error);
        }

        var outcome = Parse(bytes[..(int)read.Value], out var record);
        return outcome == HeartbeatOutcome.Beat && !SequenceIsStill(file, record.Sequence)
            ? new(HeartbeatOutcome.Torn)
            : new(outcome, record);
    }

    /// <summary>What these bytes of a heartbeat file contain.</summary>
    internal static HeartbeatOutcome Parse(ReadOnlySpan<byte> bytes, out HeartbeatRecord record)
    {
        record = default;
        if (!bytes.ContainsAnyExcept((byte)0))
        {
            return HeartbeatOutcome.None;
        }

        if (bytes.Length < HeartbeatRecord.Size)
        {
            return HeartbeatOutcome.Truncated;
        }

        // Checked before the rest: in the middle of the very first write there is a sequence and no magic yet.
        if ((BinaryPrimitives.ReadUInt64LittleEndian(bytes[HeartbeatRecord.SequenceOffset..]) & 1) != 0)
        {
            return HeartbeatOutcome.Torn;
        }

        return HeartbeatRecord.TryRead(bytes, out record) ? HeartbeatOutcome.Beat : HeartbeatOutcome.Garbage;
    }

    private static bool SequenceIsStill(SafeFileHandle file, ulong sequence)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        var read = RecordFile.Read(file, bytes, HeartbeatRecord.SequenceOffset);
        return read.Value == bytes.Length && BinaryPrimitives.ReadUInt64LittleEndian(bytes) == sequence;
    }
}
