using System.Buffers.Binary;
using KestrelGreenTransport.Contract;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Reads heartbeat files and the board, always by pread: a truncated file gives short reads, never a fault.</summary>
internal static class WorkerFiles
{
    /// <summary>The last full beat; false when the file holds none, or is in the middle of one.</summary>
    public static bool TryReadBeat(SafeFileHandle file, out HeartbeatRecord beat)
    {
        Span<byte> bytes = stackalloc byte[HeartbeatRecord.Size];
        var length = RandomAccess.Read(file, bytes, 0);
        return HeartbeatRecord.TryRead(bytes[..length], out beat) && !beat.IsBeingWritten && SequenceIsStill(file, beat.Sequence);
    }

    /// <summary>A worker's line on the board; false when it never wrote one.</summary>
    public static bool TryReadBoard(SafeFileHandle board, int index, out BoardRecord record)
    {
        Span<byte> bytes = stackalloc byte[BoardRecord.Size];
        var length = RandomAccess.Read(board, bytes, (long)index * BoardRecord.Size);
        return BoardRecord.TryRead(bytes[..length], out record);
    }

    // A record is read piece by piece: when the writer came in between, the sequence has moved on.
    private static bool SequenceIsStill(SafeFileHandle file, ulong sequence)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        return RandomAccess.Read(file, bytes, HeartbeatRecord.SequenceOffset) == bytes.Length
            && BinaryPrimitives.ReadUInt64LittleEndian(bytes) == sequence;
    }
}
