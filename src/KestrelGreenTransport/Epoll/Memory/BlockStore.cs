using System.Buffers;

namespace KestrelGreenTransport.Epoll.Memory;

/// <summary>
/// Supplies the blocks for the connections of one event loop: from the calling loop thread's own cache, else from a shared
/// stack, else from the memory pool that Kestrel gave (which counts and trims what it hands out). What no cache has room
/// for goes back to that pool.
/// </summary>
internal sealed class BlockStore(MemoryPool<byte> pool) : IDisposable
{
    /// <summary>The most blocks that a loop thread keeps for itself.</summary>
    public const int ThreadCapacity = 64;

    private const int SharedCapacity = 256;

    private readonly Lock _lock = new();
    private readonly BlockCache _shared = new(SharedCapacity);
    private bool _disposed;

    public MemoryPool<byte> Pool => pool;

    /// <param name="holder">The half of a connection that owns the block from now on, and returns it.</param>
    public Block Rent(object holder)
    {
        var block = Take();
        block.NoteTaken(holder);
        return block;
    }

    /// <summary>A block with at least this much room.</summary>
    public Block Rent(int size, object holder)
    {
        var block = Rent(holder);
        if (block.Whole.Length >= size)
        {
            return block;
        }

        Return(block, holder);
        block = new Block(new OversizedMemory(size), isReusable: false);
        block.NoteTaken(holder);
        return block;
    }

    public void Return(Block block, object holder)
    {
        block.NoteReturned(holder);
        block.Reset();
        if (!block.IsReusable)
        {
            block.Dispose();
        }
        else if (BlockCache.Of(this)?.TryPut(block) != true)
        {
            ReturnShared(block);
        }
    }

    /// <summary>Returns a whole chain.</summary>
    public void ReturnAll(Block? first, object holder)
    {
        while (first is not null)
        {
            var next = first.NextBlock;
            Return(first, holder);
            first = next;
        }
    }

    /// <summary>Takes over the blocks that were cached by a thread that stops running this loop.</summary>
    public void TakeBack(BlockCache cache)
    {
        while (cache.TryTake() is { } block)
        {
            ReturnShared(block);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            while (_shared.TryTake() is { } block)
            {
                block.Dispose();
            }
        }

        pool.Dispose();
    }

    private Block Take()
    {
        if (BlockCache.Of(this)?.TryTake() is { } own)
        {
            return own;
        }

        lock (_lock)
        {
            if (_shared.TryTake() is { } shared)
            {
                return shared;
            }
        }

        return new Block(pool.Rent(), isReusable: true);
    }

    private void ReturnShared(Block block)
    {
        lock (_lock)
        {
            if (!_disposed && _shared.TryPut(block))
            {
                return;
            }
        }

        block.Dispose();
    }
}
