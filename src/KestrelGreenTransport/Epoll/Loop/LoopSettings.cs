using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>What the event loops take from the transport's options.</summary>
internal sealed record LoopSettings
{
    /// <summary>How many blocks one receive may fill at most.</summary>
    public required int MaxReadBlocks { get; init; }

    public required long MaxReadBufferSize { get; init; }

    public required long? MaxWriteBufferSize { get; init; }

    /// <summary>Whether the app runs on the loop's thread.</summary>
    public required bool RunsInline { get; init; }

    /// <summary>How long a handler may block before the loop goes on without it.</summary>
    public required TimeSpan BlockingThreshold { get; init; }

    /// <summary>How long a loop asks for events over and over before it sleeps.</summary>
    public TimeSpan SpinTime { get; init; }

    /// <summary>Whether an aborted connection ends as one that is closed, instead of by a reset: Kestrel's switch of the same name.</summary>
    public bool FinOnError { get; init; }

    /// <summary>For what happens to a single connection (<see cref="ConnectionLog"/>).</summary>
    public ILogger ConnectionLogger { get; init; } = NullLogger.Instance;

    /// <summary>How long a spare thread has nothing to do before it retires.</summary>
    public TimeSpan SpareIdleLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How a loop's thread is started, which the kernel may refuse.</summary>
    public Action<Thread> StartThread { get; init; } = static thread => thread.UnsafeStart();
}
