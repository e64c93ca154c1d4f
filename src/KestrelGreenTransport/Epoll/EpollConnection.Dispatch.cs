using KestrelGreenTransport.Epoll.Loop;

namespace KestrelGreenTransport.Epoll;

/// <summary>What holds while the loop runs the app for an event of this connection.</summary>
internal sealed partial class EpollConnection
{
    // A client that sends faster than the app consumes would otherwise keep the loop to itself: after this much, counted
    // with at least a block for each receive, its next read waits until the other connections had their turn.
    private const int BytesPerTurn = 256 * 1024;
    private const int LeastPerReceive = 4096;

    private int _turn = int.MaxValue;

    public bool MayReceiveNow() => _turn > 0;

    public void OnReceived(nint bytes) => _turn -= Math.Max((int)bytes, LeastPerReceive);

    /// <summary>A read that may not receive now waits for its next turn on the loop.</summary>
    public void Defer() => _loop.Defer(ConnectionTable.DataOf(_index, _generation));

    private void BeginDispatch(LoopThread thread)
    {
        _turn = BytesPerTurn;
        Writer.BeginDispatch(thread);
    }

    private void EndDispatch()
    {
        Writer.EndDispatch();
        _turn = int.MaxValue;
    }
}
