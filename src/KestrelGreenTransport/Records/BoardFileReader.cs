using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Records;

/// <summary>
/// Reads the board: one pread gets the records of all workers up to the highest index that is asked for. Its buffer is
/// reused, so it is for one thread.
/// </summary>
internal sealed class BoardFileReader(SafeFileHandle file)
{
    private byte[] _records = [];
    private int _length;

    /// <summary>Reads the board.</summary>
    /// <param name="maxIndex">The highest index of interest.</param>
    public Result Refresh(int maxIndex)
    {
        var size = (maxIndex + 1) * BoardRecord.Size;
        if (_records.Length < size)
        {
            _records = new byte[size];
        }

        var read = RecordFile.Read(file, _records.AsSpan(0, size), 0);
        _length = read.Ok ? (int)read.Value : 0;
        return read;
    }

    /// <summary>A worker's record from the last read; false if it has none, or one that is not valid.</summary>
    public bool TryGet(int index, out BoardRecord record)
    {
        record = default;
        var offset = index * (long)BoardRecord.Size;
        return index >= 0
            && offset + BoardRecord.Size <= _length
            && BoardRecord.TryRead(_records.AsSpan((int)offset, BoardRecord.Size), out record);
    }
}
