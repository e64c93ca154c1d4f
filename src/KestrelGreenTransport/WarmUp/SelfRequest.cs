using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Security;
using System.Text;
using KestrelGreenTransport.Accepting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.WarmUp;

/// <summary>
/// One request of this process to itself: through the transport, Kestrel, all middleware and the app, by a listener of its
/// own. So it needs neither a free slot nor an open gate, and runs what the first client would otherwise wait for.
/// </summary>
internal sealed class SelfRequest(
    SideDoors doors, Lazy<ITransportBackend> backend, IOptions<GreenTransportOptions> options, TransportMeter meter, ILoggerFactory loggers)
{
    private const int LongestStatusLine = 4096;

    /// <summary>Asks for a path on the first endpoint that answers; an endpoint that takes no plain text is asked by TLS.</summary>
    /// <returns>The status; null when no endpoint gave one.</returns>
    public async Task<int?> GetAsync(string path)
    {
        var open = doors.Open();
        if (open.Count == 0)
        {
            return null;
        }

        await using var listener = new PrivateListener(backend.Value, options.Value, meter, loggers.CreateLogger(Log.Category));
        foreach (var secure in (bool[])[false, true])
        {
            foreach (var door in open)
            {
                if (await AskAsync(listener, door, path, secure) is { } status)
                {
                    return status;
                }
            }
        }

        return null;
    }

    private static async Task<int?> AskAsync(PrivateListener listener, SideDoor door, string path, bool secure)
    {
        var (client, server) = await listener.ConnectAsync();
        int? status;
        await using (client)
        {
            if (!door.TryEnter(server))
            {
                await listener.EndedAsync(server);
                return null;
            }

            try
            {
                status = secure ? await AskSecurelyAsync(client, path) : await AskAsync(client, path);
            }
            catch (Exception refused) when (refused is IOException or System.Security.Authentication.AuthenticationException)
            {
                status = null;
            }
        }

        await listener.EndedAsync();
        return status;
    }

    [SuppressMessage("Security", "CA5359", Justification = "The one who answers is this very process; what it presents is for others.")]
    private static async Task<int?> AskSecurelyAsync(Stream plain, string path)
    {
        await using var stream = new SslStream(plain, leaveInnerStreamOpen: true, static (_, _, _, _) => true);
        await stream.AuthenticateAsClientAsync("localhost");
        return await AskAsync(stream, path);
    }

    private static async Task<int?> AskAsync(Stream stream, string path)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: green-warm-up\r\nConnection: close\r\n\r\n"));
        var start = new byte[LongestStatusLine];
        var length = await stream.ReadAtLeastAsync(start, "HTTP/1.1 200".Length, throwOnEndOfStream: false);
        var line = Encoding.ASCII.GetString(start, 0, length);
        int? status = line.StartsWith("HTTP/1.", StringComparison.Ordinal) && length >= 12
            && int.TryParse(line.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

        // The rest of the answer is a part of the way, too.
        await stream.CopyToAsync(Stream.Null);
        return status;
    }
}
