using KestrelGreenTransport.Epoll.Memory;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>
/// One connection's flushed bytes that are not sent yet, as a chain of blocks. Used under the writer's lock.
///
/// The app may still fill the last block behind the flushed part: then the block is <i>shared</i>, and stays when
/// everything before that is sent.
/// </summary>
/// <param name="store">Where blocks are returned when they are sent.</param>
/// <param name="holder">The writer that rented the blocks.</param>
internal sealed unsafe class UnsentBytes(BlockStore store, object holder)
{
    private const int MaxVectors = 64;

    private Block? _first;
    private int _firstIndex;
    private Block? _last;
    private int _lastEnd;

    /// <summary>How many bytes wait.</summary>
    public long Length { get; private set; }

    /// <summary>Appends a chain that the app filled, or more of the shared block and what follows it.</summary>
    public void Add(Block? newFirst, Block last, long length)
    {
        if (newFirst is not null)
        {
            if (_last is null)
            {
                _first = newFirst;
                _firstIndex = 0;
            }
            else
            {
                _last.Append(newFirst);
            }
        }

        _last = last;
        _lastEnd = last.End;
        Length += length;
    }

    /// <summary>The last block, if it has this much room behind the unsent bytes.</summary>
    public Block? LastWithRoom(int size) => Length > 0 && _last!.Free >= size ? _last : null;

    /// <summary>
    /// Sends once. Returns the number of bytes, or the negated errno; <paramref name="isShort"/> means that the kernel took
    /// less than it was given, so that its buffer is full.
    /// </summary>
    public nint Send(int fd, Block? shared, out bool isShort)
    {
        nint offered;
        nint sent;
        if (_first == _last)
        {
            offered = _lastEnd - _firstIndex;
            sent = SocketCalls.send(fd, _first!.Pointer + _firstIndex, (nuint)offered, Libc.MSG_NOSIGNAL);
        }
        else
        {
            sent = SendMany(fd, out offered);
        }

        isShort = sent < offered;
        if (sent < 0)
        {
            return -SocketCalls.LastError;
        }

        Drop(sent, shared);
        return sent;
    }

    /// <summary>Returns the block that was kept because it was shared, if all of it is sent.</summary>
    public void Trim(Block? shared)
    {
        if (_first is not null)
        {
            Drop(0, shared);
        }
    }

    /// <summary>Drops all unsent bytes. The shared block stays with the app.</summary>
    public void Clear(Block? shared)
    {
        while (_first is { } block && block != shared)
        {
            var next = block == _last ? null : block.NextBlock;
            store.Return(block, holder);
            _first = next;
        }

        _first = _last = null;
        Length = 0;
    }

    private nint SendMany(int fd, out nint offered)
    {
        var vectors = stackalloc SocketCalls.IOVector[MaxVectors];
        var count = 0;
        offered = 0;
        var start = _firstIndex;
        for (var block = _first; block is not null && count < MaxVectors; block = block.NextBlock)
        {
            var end = block == _last ? _lastEnd : block.End;
            vectors[count++] = new SocketCalls.IOVector { Base = block.Pointer + start, Length = (nuint)(end - start) };
            offered += end - start;
            start = 0;
            if (block == _last)
            {
                break;
            }
        }

        var message = new SocketCalls.MessageHeader { Vectors = vectors, VectorCount = (nuint)count };
        return SocketCalls.sendmsg(fd, &message, Libc.MSG_NOSIGNAL);
    }

    private void Drop(nint sent, Block? shared)
    {
        Length -= sent;
        while (_first is { } block)
        {
            var isLast = block == _last;
            var left = (isLast ? _lastEnd : block.End) - _firstIndex;
            if (sent < left || (isLast && block == shared))
            {
                _firstIndex += (int)sent;
                return;
            }

            sent -= left;
            _first = isLast ? null : block.NextBlock;
            _firstIndex = 0;
            store.Return(block, holder);
            if (isLast)
            {
                _last = null;
            }
        }
    }
}
