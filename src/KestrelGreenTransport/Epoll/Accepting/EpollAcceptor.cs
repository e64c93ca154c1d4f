using System.Net;
using System.Threading.Channels;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Epoll.Connection;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Native;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace KestrelGreenTransport.Epoll.Accepting;

/// <summary>
/// One listening socket, accepted on by every event loop of the process.
///
/// AcceptAsync never throws, and returns null only when cancelled, or after unbind once every accepted connection has been
/// handed out. Kestrel's accept loop runs on the event loop that accepted: it only queues the connection.
/// </summary>
internal sealed class EpollAcceptor : IAcceptor, IGated
{
    private readonly ListenerContext _listener;
    private readonly EventLoop[] _loops;
    private readonly LoopListener[] _listeners;
    private readonly AcceptPolicy _policy;
    private readonly EndPoint? _local;
    private readonly Lock _lock = new();
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>(
        new UnboundedChannelOptions { AllowSynchronousContinuations = true });

    private readonly DescriptorHeadroom _headroom = new();
    private readonly List<LoopListener> _pausing = [];

    // Created up front: when accepting fails, there may be no resources left to create a timer.
    private readonly ITimer _pause;
    private bool _isPausing;
    private int _failures;

    // Accepted connections that are not in the channel yet, plus one until unbind.
    private int _underWay = 1;
    private bool _isUnbound;

    public EpollAcceptor(EventLoop[] loops, ListenerContext listener, TimeProvider time)
    {
        _loops = loops;
        _listener = listener;
        _pause = time.CreateTimer(static acceptor => ((EpollAcceptor)acceptor!).EndPause(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _policy = listener.CreatePolicy();

        // System.Net.Sockets makes a socket non-blocking only with its first asynchronous call, and we make none.
        Libc.AdoptDescriptor(listener.Socket.Descriptor);
        if (listener.Socket.EndPoint is IPEndPoint)
        {
            // Accepted sockets inherit it on Linux.
            listener.Socket.Socket.NoDelay = listener.Options.NoDelay;
        }

        _local = IsWildcard(listener.Socket.EndPoint) ? null : listener.Socket.EndPoint;
        _listeners = [.. loops.Select(loop => new LoopListener(this, listener, loop))];
        listener.Gate.Enter(this);
    }

    public void Open()
    {
        foreach (var listener in _listeners)
        {
            listener.Open();
        }
    }

    public void Close()
    {
        foreach (var listener in _listeners)
        {
            listener.Close();
        }
    }

    public bool IsShared => _listener.Socket.IsShared;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await _accepted.Reader.WaitToReadAsync(cancellationToken))
            {
                if (_accepted.Reader.TryRead(out var connection))
                {
                    return connection;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The caller gave up waiting.
        }

        return null;
    }

    public ValueTask UnbindAsync()
    {
        lock (_lock)
        {
            if (_isUnbound)
            {
                return default;
            }

            _isUnbound = true;
            _pause.Dispose();
        }

        _listener.Gate.Leave(this);
        foreach (var listener in _listeners)
        {
            listener.Unbind();
        }

        EndHandOver();
        return default;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    /// <summary>A connection is accepted, under the lock that Unbind takes too: it will be handed out.</summary>
    public void BeginHandOver() => Interlocked.Increment(ref _underWay);

    /// <summary>Makes the connection, which then owns descriptor and slot. Throws only while the caller still owns them.</summary>
    public void HandOver(int descriptor, Slot slot, EndPoint? remote)
    {
        OnSuccess();
        _headroom.Accepted(descriptor);
        var loop = EventLoop.LeastLoaded(_loops);
        Interleaving.Point("a connection is accepted and not made yet");
        var connection = new EpollConnection(loop, descriptor, slot, _local ?? KernelAddress.LocalOf(descriptor), remote);
        try
        {
            Interleaving.Point("a connection is made and not handed out yet");
            if (!_listener.Options.UpgradedConnectionsHoldSlot)
            {
                connection.Features.Set<IDecrementConcurrentConnectionCountFeature>(slot);
            }

            _accepted.Writer.TryWrite(connection);
        }
        catch (Exception exception)
        {
            // A connection that was never handed out is closed within this call.
            _ = connection.DisposeAsync().AsTask();
            _listener.Reporter.ConnectionSetupFailed(exception);
        }
    }

    /// <summary>An accepted descriptor could not be made a connection: closes it, gives the slot back.</summary>
    public void GiveUp(int descriptor, Slot slot, Exception reason)
    {
        _ = SocketCalls.close(descriptor);
        slot.GiveBack();
        _listener.Reporter.ConnectionSetupFailed(reason);
    }

    /// <summary>An accepted connection was handed out or given up. Unbind calls this once, too.</summary>
    public void EndHandOver()
    {
        if (Interlocked.Decrement(ref _underWay) == 0)
        {
            _accepted.Writer.TryComplete();
        }
    }

    /// <summary>Whether too few descriptors are left to accept.</summary>
    public bool IsShortOfDescriptors() => _headroom.IsExhausted();

    /// <summary>
    /// An accept failed, and the listener is no longer armed: it resumes when the policy says so. Other loops that fail during
    /// that pause wait with it: the whole process lacks the resource.
    /// </summary>
    public void OnError(int errno, LoopListener listener)
    {
        AcceptVerdict verdict;
        lock (_lock)
        {
            if (_isUnbound)
            {
                return;
            }

            if (_isPausing)
            {
                _pausing.Add(listener);
                return;
            }

            verdict = _policy.OnError(errno);
            Volatile.Write(ref _failures, _policy.Failures);
            if (verdict.Action == AcceptAction.Pause)
            {
                _pausing.Add(listener);
                _isPausing = _pause.Change(verdict.Delay, Timeout.InfiniteTimeSpan);
            }
        }

        _listener.Reporter.Failed(errno, verdict);
    }

    private void OnSuccess()
    {
        if (Volatile.Read(ref _failures) == 0)
        {
            return;
        }

        int ended;
        lock (_lock)
        {
            ended = _policy.OnSuccess();
            Volatile.Write(ref _failures, 0);
        }

        if (ended > 0)
        {
            _listener.Reporter.Recovered(ended);
        }
    }

    private void EndPause()
    {
        LoopListener[] pausing;
        lock (_lock)
        {
            _isPausing = false;
            pausing = [.. _pausing];
            _pausing.Clear();
        }

        foreach (var listener in pausing)
        {
            listener.Resume();
        }
    }

    private static bool IsWildcard(EndPoint endPoint) =>
        endPoint is IPEndPoint ip && (ip.Address.Equals(IPAddress.Any) || ip.Address.Equals(IPAddress.IPv6Any));
}
