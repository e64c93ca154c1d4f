using System.Runtime.CompilerServices;
using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Draining;

/// <summary>
/// Gets handlers out of a drain's way that never complete and whose clients have left.
///
/// Such a connection ends when it is collected. A process that stops serves fewer and fewer, so it allocates little, and
/// nothing would collect before the limit: this asks for a collection, at doubling intervals, while there are any. Handlers
/// that are still at work are not touched by one.
/// </summary>
internal sealed class LeftBehind(Func<IReadOnlyCollection<IServedConnection>> connections, TimeProvider time, Action collect)
{
    /// <summary>How long the client has been seen to be away before the first collection: most handlers end when they hear of it.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    private TimeSpan _pause = FirstPause;
    private long? _since;

    /// <summary>In the background: no request waits for it.</summary>
    public static void Collect() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);

    /// <summary>To be called in each pass.</summary>
    public void Look()
    {
        if (!AnyHasLeft())
        {
            _since = null;
            return;
        }

        _since ??= time.GetTimestamp();
        if (time.GetElapsedTime(_since.Value) >= _pause)
        {
            collect();
            (_since, _pause) = (time.GetTimestamp(), _pause * 2);
        }
    }

    // On its own: what stands on the stack of the thread that asks for a collection is not collected.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool AnyHasLeft() => connections().Any(static one => one.HasLeft);
}
