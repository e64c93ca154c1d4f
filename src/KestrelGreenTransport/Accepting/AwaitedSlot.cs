namespace KestrelGreenTransport.Accepting;

/// <summary>A waiter that completes a task: on the thread pool, because the thread that ends a connection has other work to do.</summary>
internal sealed class AwaitedSlot() : TaskCompletionSource<Slot?>(TaskCreationOptions.RunContinuationsAsynchronously), ISlotWaiter
{
    public static async ValueTask<Slot?> TakeAsync(ConnectionPool pool, CancellationToken cancellationToken)
    {
        var waiter = new AwaitedSlot();
        pool.Take(waiter);
        using (cancellationToken.UnsafeRegister(_ => waiter.Cancel(pool), null))
        {
            return await waiter.Task;
        }
    }

    public void Granted(Slot slot) => SetResult(slot);

    private void Cancel(ConnectionPool pool)
    {
        Interleaving.Point("a waiter is cancelled");

        // A forgotten waiter is never granted a slot; a granted one keeps its slot even if it is cancelled.
        if (pool.Forget(this))
        {
            SetResult(null);
        }
    }
}
