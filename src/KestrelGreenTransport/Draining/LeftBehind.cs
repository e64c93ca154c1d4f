using System.Runtime.CompilerServices;
using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Draining;

/// <summary>
/// During a drain, gets rid of handlers that never complete and whose clients have left.
///
/// Such a connection ends when it is collected. A process that stops serves fewer and fewer requests, so it allocates little
/// and would not collect before the limit: this asks for collections, at doubling intervals, while there are such
/// connections. A collection does not touch handlers that are still running.
/// </summary>
internal sealed class LeftBehind(Func<IReadOnlyCollection<IServedConnection>> connections, TimeProvider time, Action collect)
{
    /// <summary>How long after a client was seen to have left the first collection comes: most handlers end by themselves.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    private TimeSpan _pause = FirstPause;
    private long? _since;

    /// <summary>In the background: no request waits for it.</summary>
    public static void Collect() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);

    /// <summary>Must be called in each pass.</summary>
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

    // A separate method: what is on the stack of the thread that asks for a collection is not collected.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool AnyHasLeft() => connections().Any(static one => one.HasLeft);
}
