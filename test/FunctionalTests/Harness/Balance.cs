namespace FunctionalTests.Harness;

/// <summary>Reaches a certain worker, although the balance decides which worker takes a connection.</summary>
internal static class Balance
{
    /// <summary>Connects until a connection is at the wanted worker. The other connections stay open until then, so that the next one goes elsewhere.</summary>
    /// <param name="what">What is waited for, for the error message.</param>
    /// <param name="connect">Makes a connection; a failure is tried again.</param>
    /// <param name="isThere">Whether the connection is at the wanted worker.</param>
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
