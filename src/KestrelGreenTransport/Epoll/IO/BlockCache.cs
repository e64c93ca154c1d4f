namespace KestrelGreenTransport.Epoll.IO;

/// <summary>
/// A stack of free blocks: the one used last is still warm in the processor's cache and is given out first. For one
/// thread, or under a lock.
/// </summary>
internal sealed class BlockCache(int capacity)
{
    private readonly Block?[] _blocks = new Block?[capacity];
    private int _count;

    public Block? TryTake()
    {
        if (_count == 0)
        {
            return null;
        }

        ref var top = ref _blocks[--_count];
        var block = top;
        top = null;
        return block;
    }

    public bool TryPut(Block block)
    {
        if (_count == _blocks.Length)
        {
            return false;
        }

        _blocks[_count++] = block;
        return true;
    }
}
