using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Accepting;

/// <summary>One listening socket, as a backend accepts on it.</summary>
internal interface IAcceptor : IAsyncDisposable
{
    /// <summary>
    /// The next connection, with its slot taken. Several callers may wait at once. Never throws and never loses an
    /// accepted connection. Null when <paramref name="cancellationToken"/> was cancelled, or after
    /// <see cref="UnbindAsync"/> once every connection accepted before it has been handed out.
    /// </summary>
    ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Stops accepting for good. When it completes, this acceptor no longer touches the <see cref="ListenSocket"/>, which
    /// its owner then closes, and a pending <see cref="AcceptAsync"/> ends. It never shuts the socket down: siblings
    /// may accept on it.
    /// </summary>
    ValueTask UnbindAsync();
}
