namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>Connection ids for logs: short, unique within the process, in the order of accepting.</summary>
internal static class ConnectionIds
{
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV";

    // As in Kestrel: a start that differs between runs, so that ids of two runs do not mix in one log.
    private static long _last = TimeProvider.System.GetUtcNow().Ticks;

    public static string Next() => string.Create(13, Interlocked.Increment(ref _last), static (text, id) =>
    {
        for (var i = text.Length - 1; i >= 0; i--)
        {
            text[i] = Digits[(int)(id & 31)];
            id >>= 5;
        }
    });
}
