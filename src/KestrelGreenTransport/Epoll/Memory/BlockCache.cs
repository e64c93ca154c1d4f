namespace KestrelGreenTransport.Epoll.Memory;

/// <summary>
/// A stack of free blocks: the one used last is still in the processor's cache, and is handed out first. For one thread,
/// or under a lock.
/// </summary>
/// <param name="capacity">The most blocks that it holds.</param>
/// <param name="store">The store that the blocks come from; null for the store's own cache.</param>
internal sealed class BlockCache(int capacity, BlockStore? store = null)
{
    [ThreadStatic]
    private static BlockCache? _current;

    private readonly Block?[] _blocks = new Block?[capacity];
    private int _count;

    /// <summary>The calling thread's own blocks of this store; null if it keeps none.</summary>
    public static BlockCache? Of(BlockStore store) => _current is { } current && current.IsOf(store) ? current : null;

    /// <summary>Sets where the calling thread keeps its blocks from now on; null: nowhere.</summary>
    public static void Use(BlockCache? cache) => _current = cache;

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

    private bool IsOf(BlockStore other) => store == other;
}
