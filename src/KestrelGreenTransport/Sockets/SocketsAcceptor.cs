using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Native;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace KestrelGreenTransport.Sockets;

/// <summary>
/// Accepts on .NET's sockets, with the policy of gevent's BaseServer.
///
/// A slot is reserved before each accept, and the listener is armed only while one is: a full pool leaves clients in the
/// kernel's queue, where siblings find them.
/// AcceptAsync never throws, and returns null only when cancelled or unbound: Kestrel's loop ends for good on either.
/// </summary>
internal sealed class SocketsAcceptor : IAcceptor
{
    private readonly ListenerContext _listener;
    private readonly SocketConnectionContextFactory _connections;
    private readonly Func<ConnectionContext, Slot, SlotConnection> _wrap;
    private readonly TimeProvider _time;
    private readonly OpenTimes _openTimes;
    private readonly AcceptPolicy _policy;
    private readonly DescriptorHeadroom _headroom = new();
    private readonly CancellationTokenSource _unbound = new();

    // Held by the caller that is accepting; finally by UnbindAsync, which keeps it.
    private readonly SemaphoreSlim _turn = new(1);
    private int _inARow;
    private bool _isLate;

    /// <param name="listener">Where to accept, and with which slots.</param>
    /// <param name="connections">Makes a connection from an accepted socket.</param>
    /// <param name="wrap">Makes that connection hold its slot.</param>
    /// <param name="time">The clock.</param>
    public SocketsAcceptor(
        ListenerContext listener,
        SocketConnectionContextFactory connections,
        Func<ConnectionContext, Slot, SlotConnection> wrap,
        TimeProvider time)
    {
        (_listener, _connections, _wrap, _time) = (listener, connections, wrap, time);
        _policy = listener.CreatePolicy();
        _openTimes = new OpenTimes(listener.Socket.IsShared);
        if (listener.Socket.EndPoint is IPEndPoint && OperatingSystem.IsLinux())
        {
            // Accepted sockets inherit it on Linux, which saves a call for each.
            listener.Socket.Socket.NoDelay = listener.Options.NoDelay;
        }

        listener.Gate.Enter(_openTimes);
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _unbound.Token);
        try
        {
            await _turn.WaitAsync(linked.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        try
        {
            while (!linked.IsCancellationRequested && await _openTimes.WaitAsync(linked.Token))
            {
                using var open = CancellationTokenSource.CreateLinkedTokenSource(linked.Token, _openTimes.UntilClosed);
                if (await AcceptUntilCancelledAsync(open.Token) is { } connection)
                {
                    return connection;
                }
            }

            return null;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask UnbindAsync()
    {
        if (_unbound.IsCancellationRequested)
        {
            return;
        }

        // First end the pending accept, and only then let the owner close the socket. Closing it with an accept pending makes
        // .NET set SO_LINGER to zero on it (seen with strace), and during a call .NET even shuts it down: both for every
        // process that shares it.
        _listener.Gate.Leave(_openTimes);
        await _unbound.CancelAsync();
        await _turn.WaitAsync();
        _openTimes.Dispose();
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    private async ValueTask<ConnectionContext?> AcceptUntilCancelledAsync(CancellationToken cancelled)
    {
        while (await TakeSlotAsync(cancelled) is { } slot)
        {
            Socket socket;
            try
            {
                if (HasItsShare())
                {
                    slot.GiveBack();
                    await StandBackAsync(cancelled);
                    continue;
                }

                if (_headroom.IsExhausted())
                {
                    slot.GiveBack();
                    await RestAfterAsync(Errno.EMFILE, cancelled);
                    continue;
                }

                var accepting = _listener.Socket.Socket.AcceptAsync(cancelled);
                _inARow = accepting.IsCompleted ? _inARow + 1 : 0;
                socket = await accepting;
            }
            catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
            {
                slot.GiveBack();
                return null;
            }
            catch (Exception exception)
            {
                slot.GiveBack();
                await RestAfterAsync(AcceptErrors.ToErrno(exception), cancelled);
                continue;
            }

            if (_inARow >= _listener.AcceptBatch)
            {
                _inARow = 0;
                await Task.Yield();
            }

            if (SetUp(socket, slot) is { } connection)
            {
                return connection;
            }
        }

        return null;
    }

    // Here every process is woken for every client, so the siblings are there to take the clients that this one leaves.
    private bool HasItsShare() =>
        !_isLate
        && _listener.Options.BalancedAccept
        && _listener.Socket.IsShared
        && _listener.Siblings.MayExist
        && FairShare.Allowance(_listener.Siblings.Held, _listener.Siblings.Look(), _listener.Socket.Queued()) == 0;

    /// <summary>Leaves the listener to the siblings for a tick. A client that still waits then is taken, share or not.</summary>
    private async Task StandBackAsync(CancellationToken cancelled)
    {
        await Task.Delay(FairShare.Tick, _time, cancelled).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _isLate = !cancelled.IsCancellationRequested && _listener.Socket.Socket.Poll(0, SelectMode.SelectRead);
    }

    private ValueTask<Slot?> TakeSlotAsync(CancellationToken cancelled)
    {
        if (cancelled.IsCancellationRequested)
        {
            return default;
        }

        if (_listener.Pool.TryTake(out var slot))
        {
            return new(slot);
        }

        _listener.Reporter.PoolFull();
        return _listener.Pool.TakeAsync(cancelled);
    }

    private async Task RestAfterAsync(int errno, CancellationToken cancelled)
    {
        var verdict = _policy.OnError(errno);
        _listener.Reporter.Failed(errno, verdict);
        var rest = verdict.Action == AcceptAction.End ? Timeout.InfiniteTimeSpan : verdict.Delay;
        try
        {
            await Task.Delay(rest, _time, cancelled);
        }
        catch (OperationCanceledException)
        {
            // Unbound: the caller sees that next.
        }
    }

    private SlotConnection? SetUp(Socket socket, Slot slot)
    {
        try
        {
            slot.Hold();
            _listener.Siblings.OnAccepted();
            _isLate = false;
            _headroom.Accepted(socket.Handle);
            if (_policy.OnSuccess() is > 0 and var failures)
            {
                _listener.Reporter.Recovered(failures);
            }

            Interleaving.Point("a connection is accepted and not made yet");
            if (_listener.Socket.EndPoint is IPEndPoint && !OperatingSystem.IsLinux())
            {
                socket.NoDelay = _listener.Options.NoDelay;
            }

            var inner = _connections.Create(socket);
            Interleaving.Point("a connection is made and not handed out yet");
            if (!_listener.Options.UpgradedConnectionsHoldSlot)
            {
                inner.Features.Set<IDecrementConcurrentConnectionCountFeature>(slot);
            }

            // Last: from here on it is an open connection, and an exception would leave it among them.
            return _wrap(inner, slot);
        }
        catch (Exception exception)
        {
            // Usually a client that reset its connection in the queue. An inner connection ends with its socket.
            socket.Dispose();
            slot.GiveBack();
            _listener.Reporter.ConnectionSetupFailed(exception);
            return null;
        }
    }
}
