using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Native;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>
/// One connection: a non-blocking socket on one event loop, registered once for all events.
///
/// Its slot is given back exactly once, when the connection is disposed.
/// The descriptor is closed only after both halves have released it, so that no call uses a number that the kernel has
/// since given to another client; an event fetched before the close is recognised by its generation.
/// As in Kestrel's own transport, the first reason to end wins. ConnectionClosed fires on the end of the stream, a reset or
/// an abort, always on the thread pool, and at the latest within DisposeAsync.
/// </summary>
internal sealed partial class EpollConnection : ConnectionContext, IDuplexPipe, IThreadPoolWorkItem, ILoopConnection
{
    private static readonly ConnectionAbortedException CompletedGracefully = new("The connection's output was completed and sent, and the socket closed.");

    private readonly EventLoop _loop;
    private readonly Slot _slot;
    private readonly int _descriptor;
    private readonly int _index;
    private readonly uint _generation;
    private int _openHalves = 2;
    private int _disposed;
    private bool _worksElsewhere;
    private bool _isShutDown;
    private Exception? _shutdownReason;

    public EpollConnection(EventLoop loop, int descriptor, Slot slot, EndPoint? local, EndPoint? remote)
    {
        _loop = loop;
        _slot = slot;
        _descriptor = descriptor;
        LocalEndPoint = local;
        RemoteEndPoint = remote;
        Reader = new SocketReader(this, loop.Blocks, loop.Settings.MaxReadBlocks);
        Writer = new SocketWriter(this, loop.Blocks, loop.Settings.MaxWriteBufferSize);
        Activity = new ConnectionActivity(this, loop.Time, loop.Logger);
        Transport = this;
        _connectionClosed = _closed.Token;
        (_index, _generation) = loop.Connections.Add(this);
    }

    /// <summary>
    /// Only for the owner of the read side, or for the holder of the writer's lock before the writer is closed: it stays open for them.
    /// </summary>
    public int Descriptor
    {
        get
        {
            Debug.Assert(Reader.HoldsDescriptor || Writer.HoldsDescriptor, "The descriptor is used by a thread that nothing keeps it open for: its number may be another client's.");
            return _descriptor;
        }
    }

    public SocketReader Reader { get; }

    public SocketWriter Writer { get; }

    public ConnectionActivity Activity { get; }

    PipeReader IDuplexPipe.Input => Reader;

    PipeWriter IDuplexPipe.Output => Writer;

    /// <summary>Whether the app continues on the loop's thread rather than on the thread pool.</summary>
    public bool RunsInline => _loop.Settings.RunsInline && !_worksElsewhere;

    /// <summary>Whether flushes may wait for the end of the event: only if a guard cuts short an event that lasts too long.</summary>
    public bool CorksFreely => _loop.Guard is not null;

    /// <summary>Throws the reason why a connection ended. A shared exception is copied: it grows with each throw.</summary>
    [DoesNotReturn]
    public static void Throw(Exception reason)
    {
        if (reason == CompletedGracefully)
        {
            throw new ConnectionAbortedException(reason.Message);
        }

        ExceptionDispatchInfo.Throw(reason);
    }

    public override void Abort() => Abort(new ConnectionAbortedException("The connection was aborted by the application."));

    /// <summary>
    /// Ends the connection at once. With a reason, the peer gets a reset and reads throw the reason. Without one (Kestrel's
    /// HTTP/1 passes none after the peer's end of stream) the peer gets an end of stream, and what it sent can still be read.
    /// </summary>
    public override void Abort(ConnectionAbortedException? abortReason)
    {
        if (abortReason is not null)
        {
            Abort((Exception)abortReason);
        }
        else if (Interlocked.CompareExchange(ref _shutdownReason, CompletedGracefully, null) is null)
        {
            LogFinSent(CompletedGracefully);
            EndGracefully();
            FireClosed();
        }
    }

    /// <summary>Ends the connection at once: the peer gets a reset, reads throw the reason, flushes complete.</summary>
    public void Abort(Exception reason)
    {
        if (Interlocked.CompareExchange(ref _shutdownReason, reason, null) is not null)
        {
            return;
        }

        LogAborted(reason);
        Writer.Kill(static connection => connection.Reset());
        Reader.Fail(reason);
        FireClosed();
    }

    /// <summary>Sends the end of the stream to the client now. What the client sends after it is lost.</summary>
    public void ShutDownOutput() => _ = SocketCalls.shutdown(Descriptor, SocketCalls.SHUT_WR);

    ConnectionPool IServedConnection.Pool => _slot.Pool;

    bool IServedConnection.HasUnconsumed => Reader.HasUnconsumed;

    bool IServedConnection.HasUnsent => Writer.HasUnsent;

    bool IServedConnection.TryEndIdle(long quietSince) => Reader.TryEndIdle(quietSince);

    void IServedConnection.EndReading() => Reader.EndWaiting();

    void IServedConnection.CutOff() => Abort(abortReason: null);

    // The base class has nothing to dispose.
#pragma warning disable CA2215
    public override ValueTask DisposeAsync()
#pragma warning restore CA2215
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return default;
        }

        Reader.Complete();
        Writer.Complete();
        var drained = Writer.WhenDrained();
        if (!drained.IsCompleted)
        {
            return FinishAfter(drained);
        }

        Close();
        return Finish();
    }

    /// <summary>
    /// The app sends from the thread pool while a read waits. From now on its reads continue on the pool too: Kestrel runs
    /// HTTP/2 streams on the pool in any case, and each switch between the pool and a loop costs more than it saves
    /// (measured with switching: 0.32 wake-ups a request instead of 0.02).
    /// </summary>
    public void OnGathering() => _worksElsewhere = true;

    /// <summary>The end of the stream, or an error, was received.</summary>
    public void OnEndOfStream() => FireClosed();

    /// <summary>
    /// The peer has gone while no read waits. Kestrel's own transport, which always reads, tells the app at once, unless
    /// more bytes are unread than it would buffer; so does this. Only for the holder of <c>Looking</c>, so that no other thread
    /// receives at the same time: the kernel reports an error once, and after that an end. Returns false if the app was not told.
    /// </summary>
    /// <param name="isOver">Whether both sides are closed.</param>
    public unsafe bool OnHangUpUnread(bool isOver)
    {
        // Decide what the next read ends with before the app hears of it: Kestrel then aborts, and an abort drops what the
        // kernel holds.
        var unread = 0;
        if (SocketCalls.PendingError(Descriptor) is not 0 and var errno)
        {
            Interleaving.Point("a hang-up was looked at");
            Reader.Fail(OnReceiveError(errno));
        }
        else if (!isOver && SocketCalls.ioctl(Descriptor, SocketCalls.FIONREAD, &unread) != -1)
        {
            if (unread > 0)
            {
                return unread < _loop.Settings.MaxReadBufferSize && FireClosedUnlessRead();
            }

            LogFinReceived();
            Reader.EndOfPeer();
        }

        FireClosed();
        return true;
    }

    /// <summary>The exception that a read ends with after this error.</summary>
    public Exception OnReceiveError(int errno)
    {
        if (Volatile.Read(ref _shutdownReason) is { } reason)
        {
            return reason;
        }

        var error = ToException(errno);
        LogFailed(error);
        return error;
    }

    /// <summary>Sending failed. The caller holds the writer's lock.</summary>
    public void OnSendError(int errno)
    {
        var error = ToException(errno);
        var before = Interlocked.CompareExchange(ref _shutdownReason, error, null);
        if (before is null)
        {
            LogFailed(error);
        }

        Reader.Fail(before ?? error);
        FireClosed();
    }

    /// <summary>The output is completed and everything is sent: the peer gets its end of stream, without waiting for the dispose.</summary>
    public void OnDrained()
    {
        if (Interlocked.CompareExchange(ref _shutdownReason, CompletedGracefully, null) is null)
        {
            LogFinSent(CompletedGracefully);
            EndGracefully();
        }
    }

    /// <summary>The reader or the writer will not use the descriptor again.</summary>
    public void OnHalfClosed()
    {
        Interleaving.Point("half a connection is closed");
        if (Interlocked.Decrement(ref _openHalves) == 0)
        {
            EndStream();
            _ = SocketCalls.close(_descriptor);
        }
    }

    private async ValueTask FinishAfter(Task drained)
    {
        await drained;
        Close();
        await Finish();
    }

    private void Close()
    {
        // Everything is sent: a graceful end, unless the connection has ended before.
        if (Interlocked.CompareExchange(ref _shutdownReason, CompletedGracefully, null) is null)
        {
            LogFinSent(CompletedGracefully);
        }

        _loop.Connections.Remove(_index);
        CloseSocketFeature();
        Reader.Close(Volatile.Read(ref _shutdownReason) ?? CompletedGracefully);
        Writer.Close();
    }

    private ValueTask Finish()
    {
        var fired = WhenClosedFired();
        if (!fired.IsCompleted)
        {
            return FinishAfterFiring(fired);
        }

        GiveUp();
        return default;
    }

    private async ValueTask FinishAfterFiring(Task fired)
    {
        await fired;
        GiveUp();
    }

    private void GiveUp()
    {
        _abandonment?.Dispose();
        _closed.Dispose();
        _slot.GiveBack();
    }

    // The reader first: the shutdown would look to it like the peer's end of stream.
    private void EndGracefully()
    {
        Reader.FailUnlessEnding(CompletedGracefully);
        Writer.Kill(static connection => connection.ShutDown());
    }

    // Sends a reset at once, as an abort in Kestrel's own transport does: dissolving the association sends it but keeps the
    // descriptor, which other threads may be using, until both halves have released it.
    private unsafe void Reset()
    {
        var unspecified = stackalloc byte[16];
        new Span<byte>(unspecified, 16).Clear();
        if (_loop.Settings.FinOnError || LocalEndPoint is not IPEndPoint || SocketCalls.connect(Descriptor, unspecified, 16) == -1)
        {
            ShutDown();
        }
    }

    private void ShutDown()
    {
        _isShutDown = true;
        _ = SocketCalls.shutdown(Descriptor, SocketCalls.SHUT_RDWR);
    }

    // A reset can make the peer lose a response that it has not read yet: a client that sends more than we wanted would never
    // see why it was refused. Closing a socket with unread bytes sends a reset and drops unsent bytes, so read them first.
    // What arrives after the close is answered with a reset too, so send the end of the stream before: a client that has it is
    // not told of a reset. After the peer's own end of stream nothing more can come.
    private void EndStream()
    {
        if (!Reader.MayHaveUnread || _shutdownReason != CompletedGracefully)
        {
            return;
        }

        if (!_isShutDown)
        {
            _ = SocketCalls.shutdown(_descriptor, SocketCalls.SHUT_WR);
        }

        const int MostDropped = 1024 * 1024;
        nint some;
        for (nint dropped = 0; dropped < MostDropped && (some = DropSome(MostDropped)) > 0;)
        {
            dropped += some;
        }
    }

    private unsafe nint DropSome(int most)
    {
        // TCP can drop the bytes without copying (MSG_TRUNC); a Unix socket cannot.
        if (LocalEndPoint is IPEndPoint)
        {
            return SocketCalls.recv(_descriptor, null, (nuint)most, SocketCalls.MSG_TRUNC);
        }

        const int AtOnce = 4096;
        var buffer = stackalloc byte[AtOnce];
        return SocketCalls.recv(_descriptor, buffer, AtOnce, 0);
    }

    private static Exception ToException(int errno)
    {
        var error = errno switch
        {
            Errno.ECONNRESET or Errno.EPIPE => SocketError.ConnectionReset,
            Errno.ETIMEDOUT => SocketError.TimedOut,
            Errno.EHOSTUNREACH => SocketError.HostUnreachable,
            Errno.ENETUNREACH => SocketError.NetworkUnreachable,
            Errno.ENOTCONN => SocketError.NotConnected,
            _ => SocketError.SocketError,
        };
        var exception = new SocketException((int)error);
        return error == SocketError.ConnectionReset ? new ConnectionResetException(exception.Message, exception) : exception;
    }
}
