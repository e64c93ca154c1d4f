using KestrelGreenTransport.Epoll.IO;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>A thread that runs an event loop, with the blocks that it keeps for itself.</summary>
internal sealed class LoopThread(EventLoop loop)
{
    [ThreadStatic]
    private static LoopThread? t_current;

    private readonly BlockCache _blocks = new(BlockStore.ThreadCapacity);

    /// <summary>The calling thread, if it is one.</summary>
    public static LoopThread? Current => t_current;

    public EventLoop Loop => loop;

    /// <summary>Its own blocks of this store, or null when it runs another store's loop.</summary>
    public BlockCache? CacheOf(BlockStore store) => store == loop.Blocks ? _blocks : null;

    public void Start(string name)
    {
        new Thread(Run) { IsBackground = true, Name = name }.UnsafeStart();
    }

    private void Run()
    {
        t_current = this;
        loop.Run(this);
        t_current = null;
        loop.Blocks.TakeBack(_blocks);
    }
}
