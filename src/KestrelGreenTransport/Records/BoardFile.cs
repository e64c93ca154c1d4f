using KestrelGreenTransport.Contract;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Records;

/// <summary>Writes this worker's record on the board that all siblings share. For one thread.</summary>
internal sealed class BoardFile(string path, int index, ILogger logger) : IDisposable
{
    /// <summary>The least time between two looks at the board, and between two writes.</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly WorkerFile _file = new(path, logger);
    private readonly byte[] _record = new byte[BoardRecord.Size];

    public void Check() => _file.Check();

    public bool Write(in BoardRecord record)
    {
        record.Write(_record);
        return _file.Report(_file.Write(_record, (long)index * BoardRecord.Size));
    }

    public void Dispose() => _file.Dispose();
}
