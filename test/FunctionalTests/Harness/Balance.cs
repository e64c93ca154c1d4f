namespace FunctionalTests.Harness;

/// <summary>The way to a certain worker, where the balance decides which one takes a connection.</summary>
internal static class Balance
{
    /// <summary>Connects until the connection is at the worker that is wanted. Those that are not stay open until then, so that the next one goes elsewhere.</summary>
    /// <param name="what">What is waited for, for the error.</param>
    /// <param name="connect">Makes a connection; one that cannot be made counts as not yet.</param>
    /// <param name="isThere">Whether it is at the worker that is wanted.</param>
    public static async Task<T> Connect<T>(string what, Func<Task<T>> connect, Func<T, Task<bool>> isThere)
        where T : IAsyncDisposable
    {
        var others = new List<T>();
        try
        {
            return await Eventually.Get(
                what,
                async () =>
                {
                    var connection = await connect();
                    if (await isThere(connection))
                    {
                        return connection;
                    }

                    others.Add(connection);
                    throw new InvalidOperationException("another one took it");
                },
                static _ => true);
        }
        finally
        {
            foreach (var other in others)
            {
                await other.DisposeAsync();
            }
        }
    }
}
