using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervision;

/// <summary>
/// The requests for listening sockets that the supervisor has not answered yet: a DI singleton.
///
/// An answer reaches its caller, or its descriptor is closed.
/// </summary>
internal sealed class BindRequests(Lifeline? lifeline = null) : ILifelineHandler
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, TaskCompletionSource<LifelineMessage>> _open = [];
    private long _lastId;
    private bool _isSupervisorGone;

    /// <summary>Waits for the supervisor's answer, with no limit here: the supervisor has its own limit for a worker that boots.</summary>
    /// <exception cref="IOException">There is no supervisor to ask, or it is gone.</exception>
    /// <exception cref="OperationCanceledException">The host gave up starting.</exception>
    public async Task<LifelineMessage> AskAsync(ListenEndpoint endpoint, CancellationToken cancellationToken)
    {
        _ = lifeline ?? throw new IOException(
            $"Cannot ask the supervisor to bind {endpoint}: {ContractVariables.Broker} says that it would, but there is no lifeline ({ContractVariables.ControlFd}).");

        // The answer comes on the beat thread, which must not run the app.
        var asked = new TaskCompletionSource<LifelineMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        long id;
        lock (_lock)
        {
            id = ++_lastId;
            if (_isSupervisorGone)
            {
                throw Gone(endpoint);
            }

            _open.Add(id, asked);
        }

        lifeline.SendBind(id, endpoint);
        await using var canceled = cancellationToken.Register(() => Take(id)?.TrySetCanceled(cancellationToken));
        try
        {
            return await asked.Task;
        }
        catch (EndOfStreamException)
        {
            throw Gone(endpoint);
        }
    }

    public void Receive(LifelineMessage message, Lifeline lifeline)
    {
        if (message.Type == LifelineTypes.Bound && (message.Id is not { } id || Take(id)?.TrySetResult(message) != true))
        {
            message.Descriptor?.Dispose();
        }
    }

    public void SupervisorGone()
    {
        TaskCompletionSource<LifelineMessage>[] open;
        lock (_lock)
        {
            _isSupervisorGone = true;
            open = [.. _open.Values];
            _open.Clear();
        }

        foreach (var asked in open)
        {
            asked.TrySetException(new EndOfStreamException());
        }
    }

    private static IOException Gone(ListenEndpoint endpoint) =>
        new($"Cannot listen on {endpoint}: the supervisor, which binds for its workers, is gone.");

    private TaskCompletionSource<LifelineMessage>? Take(long id)
    {
        lock (_lock)
        {
            return _open.Remove(id, out var asked) ? asked : null;
        }
    }
}
