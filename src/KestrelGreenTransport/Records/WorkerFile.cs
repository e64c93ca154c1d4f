using KestrelGreenTransport.Native;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Records;

/// <summary>
/// A file that a worker writes its records to.
///
/// It is opened once and then written through that descriptor, never by path again. Failures (disk full, no rights,
/// deleted) are logged when they begin and when they end, and never thrown. For one thread.
/// </summary>
internal sealed class WorkerFile(string path, ILogger logger) : IDisposable
{
    private SafeFileHandle? _file;
    private bool _isFailing;
    private bool _isDeleted;

    /// <summary>Opens the file if that has not worked so far, and checks whether it still has its name.</summary>
    public void Check()
    {
        if (_file is null)
        {
            var opened = RecordFile.OpenForWriting(path, out _file);
            if (!opened.Ok && !_isFailing)
            {
                _isFailing = true;
                WorkerLog.FileNotOpened(logger, path, opened.Message, opened.Error);
            }
        }
        else if (!_isDeleted && RecordFile.IsDeleted(_file))
        {
            _isDeleted = true;
            WorkerLog.FileDeleted(logger, path);
        }
    }

    /// <summary>Writes at an offset. The caller passes the result to <see cref="Report"/>, once for a whole record.</summary>
    public Result Write(ReadOnlySpan<byte> bytes, long offset) =>
        _file is null ? new Result(-1, Errno.EBADF) : RecordFile.Write(_file, bytes, offset);

    /// <summary>Notes how the write of a record ended; true if it is in the file now.</summary>
    public bool Report(Result written)
    {
        if (_file is not null && written.Ok == _isFailing)
        {
            _isFailing = !written.Ok;
            if (_isFailing)
            {
                WorkerLog.FileNotWritten(logger, path, written.Message, written.Error);
            }
            else
            {
                WorkerLog.FileWorksAgain(logger, path);
            }
        }

        return written.Ok;
    }

    public void Dispose() => _file?.Dispose();
}
