using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>The transport options that the event loops use.</summary>
internal sealed record LoopSettings
{
    /// <summary>The most blocks that one receive may fill.</summary>
    public required int MaxReadBlocks { get; init; }

    public required long MaxReadBufferSize { get; init; }

    public required long? MaxWriteBufferSize { get; init; }

    /// <summary>Whether the app runs on the loop's thread.</summary>
    public required bool RunsInline { get; init; }

    /// <summary>How long a handler may block before another thread takes over the loop.</summary>
    public required TimeSpan BlockingThreshold { get; init; }

    /// <summary>How long a loop polls for events before it sleeps.</summary>
    public TimeSpan SpinTime { get; init; }

    /// <summary>Whether an aborted connection ends with a FIN instead of a reset: Kestrel's switch of the same name.</summary>
    public bool FinOnError { get; init; }

    /// <summary>Logs the events of single connections (<see cref="ConnectionLog"/>).</summary>
    public ILogger ConnectionLogger { get; init; } = NullLogger.Instance;

    /// <summary>How long a spare thread is idle before it retires.</summary>
    public TimeSpan SpareIdleLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Starts a loop's thread, which the kernel may refuse.</summary>
    public Action<Thread> StartThread { get; init; } = static thread => thread.UnsafeStart();
}
