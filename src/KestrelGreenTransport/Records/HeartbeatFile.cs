using System.Buffers.Binary;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Records;

/// <summary>
/// Writes this worker's heartbeat file.
///
/// It is written only for a full beat, so that the file's mtime, too, is the last proof of progress. The sequence is odd
/// from before the record changes until after. For one thread.
/// </summary>
internal sealed class HeartbeatFile(string path, int pid, int index, long generation, ILogger logger) : IDisposable
{
    private readonly WorkerFile _file = new(path, logger);
    private readonly byte[] _record = new byte[HeartbeatRecord.Size];
    private ulong _sequence;

    /// <summary>How many full beats there have been, written or not.</summary>
    public long Beats { get; private set; }

    public void Check() => _file.Check();

    /// <summary>Writes a full beat.</summary>
    /// <param name="state">The state that the worker reports.</param>
    /// <param name="at">Monotonic nanoseconds at which the beat had passed through everything.</param>
    public bool Write(WorkerState state, long at)
    {
        Beats++;
        new HeartbeatRecord(++_sequence, pid, index, generation, state, Beats, at).Write(_record);
        var written = WriteSequence();
        if (written.Ok)
        {
            written = _file.Write(_record, 0);
        }

        if (written.Ok)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_record.AsSpan(HeartbeatRecord.SequenceOffset), _sequence + 1);
            written = WriteSequence();
        }

        _sequence++;
        return _file.Report(written);
    }

    public void Dispose() => _file.Dispose();

    private Result WriteSequence() =>
        _file.Write(_record.AsSpan(HeartbeatRecord.SequenceOffset, sizeof(ulong)), HeartbeatRecord.SequenceOffset);
}
