using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using KestrelGreenTransport.Epoll.Memory;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>
/// One connection's bytes that were received and not yet consumed, as a chain of blocks. Used by the owner of the read
/// side (see <see cref="SocketReader"/>); not synchronised itself.
///
/// Blocks are returned as soon as they are consumed: an idle connection holds none.
/// </summary>
internal sealed unsafe class ReceivedBytes(BlockStore store, int maxBurst)
{
    /// <summary>With less room than this at the end of the chain, a new block is rented.</summary>
    private const int MinRoom = 512;

    /// <summary>The most blocks that one call fills: 64 KiB.</summary>
    private const int MaxVectors = 16;

    private readonly int _maxBurst = Math.Min(maxBurst, MaxVectors);
    private Block? _first;
    private int _firstIndex;
    private Block? _last;
    private int _burst = 1;

    /// <summary>Whether every received byte has been consumed.</summary>
    public bool IsEmpty => _first is null;

    /// <summary>Whether there are bytes that the reader has not examined.</summary>
    public bool HasUnexamined { get; private set; }

    public ReadOnlySequence<byte> Sequence => _first is null ? default : new(_first, _firstIndex, _last!, _last!.End);

    /// <summary>
    /// Receives once into the end of the chain. Returns the number of bytes, 0 at the end of the stream, or the negated
    /// errno; <paramref name="isFull"/> means that all the room was filled, so that more may be waiting.
    /// </summary>
    public nint Receive(int fd, out bool isFull)
    {
        if (_burst > 1)
        {
            return ReceiveBurst(fd, out isFull);
        }

        var into = _last is { Free: >= MinRoom } last ? last : store.Rent(this);
        var room = into.Free;
        var received = SocketCalls.recv(fd, into.Pointer + into.End, (nuint)room, 0);
        isFull = received == room;
        if (received > 0)
        {
            into.End += (int)received;
            Attach(into);
            HasUnexamined = true;
            if (isFull)
            {
                _burst = Math.Min(4, _maxBurst);
            }
        }
        else
        {
            received = received == 0 ? 0 : -SocketCalls.LastError;
            if (into != _last)
            {
                store.Return(into, this);
            }
        }

        return received;
    }

    /// <summary>
    /// The app has consumed up to one position and examined up to another.
    ///
    /// No block is returned before both positions are found in this chain: a block returned for a position of an earlier read,
    /// or of another connection, would still be in the chain, and be returned twice.
    /// </summary>
    public void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (examined.GetObject() is not Block examinedBlock || consumed.GetObject() is not Block consumedBlock)
        {
            // The position of an empty result: there was nothing to consume.
            return;
        }

        var (consumedIndex, examinedIndex) = (consumed.GetInteger(), examined.GetInteger());
        if (!Holds(consumedBlock, consumedIndex)
            || !Holds(examinedBlock, examinedIndex)
            || consumedBlock.RunningIndex + consumedIndex > examinedBlock.RunningIndex + examinedIndex)
        {
            ThrowInvalidPosition();
        }

        HasUnexamined = examinedBlock != _last || examinedIndex != _last.End;

        var block = _first!;
        while (block != consumedBlock)
        {
            var next = block.NextBlock!;
            store.Return(block, this);
            block = next;
        }

        if (consumedIndex == block.End)
        {
            var next = block.NextBlock;
            store.Return(block, this);
            if (next is null)
            {
                _first = _last = null;
                _firstIndex = 0;
                return;
            }

            block = next;
            consumedIndex = 0;
        }

        _first = block;
        _firstIndex = consumedIndex;
    }

    public void Release()
    {
        store.ReturnAll(_first, this);
        _first = _last = null;
        _firstIndex = 0;
        HasUnexamined = false;
    }

    /// <summary>A large upload: receives into several blocks in one call.</summary>
    private nint ReceiveBurst(int fd, out bool isFull)
    {
        var vectors = stackalloc SocketCalls.IOVector[MaxVectors];
        var blocks = default(Blocks);
        nint room = 0;
        for (var i = 0; i < _burst; i++)
        {
            var block = i == 0 && _last is { Free: >= MinRoom } last ? last : store.Rent(this);
            blocks[i] = block;
            vectors[i] = new SocketCalls.IOVector { Base = block.Pointer + block.End, Length = (nuint)block.Free };
            room += block.Free;
        }

        var received = SocketCalls.readv(fd, vectors, _burst);
        if (received < 0)
        {
            received = -SocketCalls.LastError;
        }

        var rest = Math.Max(received, 0);
        for (var i = 0; i < _burst; i++)
        {
            var block = blocks[i]!;
            if (rest > 0)
            {
                var filled = (int)Math.Min(rest, block.Free);
                block.End += filled;
                rest -= filled;
                Attach(block);
                HasUnexamined = true;
            }
            else if (block != _last)
            {
                store.Return(block, this);
            }
        }

        isFull = received == room;
        _burst = isFull ? Math.Min(_burst * 2, _maxBurst) : received < room / 4 ? 1 : _burst;
        return received;
    }

    /// <summary>Whether a position lies within this chain. It is usually in the first or the last block.</summary>
    private bool Holds(Block block, int index)
    {
        if ((uint)index > (uint)block.End)
        {
            return false;
        }

        if (block == _first)
        {
            return index >= _firstIndex;
        }

        var one = block == _last ? block : _first?.NextBlock;
        while (one is not null && one != block)
        {
            one = one.NextBlock;
        }

        return one is not null;
    }

    private void Attach(Block block)
    {
        if (block == _last)
        {
            return;
        }

        if (_last is null)
        {
            _first = block;
        }
        else
        {
            _last.Append(block);
        }

        _last = block;
    }

    [DoesNotReturn]
    private static void ThrowInvalidPosition() =>
        throw new InvalidOperationException("AdvanceTo: the positions do not belong to the last read, or consumed is beyond examined.");

    [InlineArray(MaxVectors)]
    private struct Blocks
    {
        private Block? _element;
    }
}
