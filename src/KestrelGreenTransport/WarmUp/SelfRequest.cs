using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace KestrelGreenTransport.WarmUp;

/// <summary>
/// One request of this process to itself: through Kestrel, all middleware and the app, on a connection in memory. So it needs
/// neither a free slot nor an open gate, and runs what the first client would otherwise wait for.
/// </summary>
internal sealed class SelfRequest(SideDoors doors, IMemoryPoolFactory<byte> pools)
{
    private const int LongestStatusLine = 4096;

    /// <summary>Asks for a path on the first endpoint that answers; an endpoint that takes no plain text is asked by TLS.</summary>
    /// <returns>The status; null when no endpoint gave one.</returns>
    public async Task<int?> GetAsync(string path)
    {
        foreach (var secure in (bool[])[false, true])
        {
            foreach (var door in doors.Open())
            {
                if (await AskAsync(door, path, secure) is { } status)
                {
                    return status;
                }
            }
        }

        return null;
    }

    private async Task<int?> AskAsync(SideDoor door, string path, bool secure)
    {
        using var pool = pools.Create();
        var options = new PipeOptions(pool, useSynchronizationContext: false);
        var (toApp, fromApp) = (new Pipe(options), new Pipe(options));
        var context = new DefaultConnectionContext(
            "warm-up", new DuplexPipe(toApp.Reader, fromApp.Writer), new DuplexPipe(fromApp.Reader, toApp.Writer))
        {
            LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 0),
            RemoteEndPoint = new IPEndPoint(IPAddress.Loopback, 0),
        };
        context.Features.Set<IMemoryPoolFeature>(new PoolFeature(pool));
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var visitor = new Visitor(context, ended);
        if (!door.TryEnter(visitor))
        {
            return null;
        }

        int? status;
        try
        {
            await using var plain = new PipesStream(fromApp.Reader, toApp.Writer);
            status = secure ? await AskSecurelyAsync(plain, path) : await AskAsync(plain, path);
        }
        catch (Exception refused) when (refused is IOException or System.Security.Authentication.AuthenticationException)
        {
            status = null;
        }

        // Kestrel gives the connection up once it has seen its end: the memory is its until then.
        await ended.Task;
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
        await stream.FlushAsync();
        var start = new byte[LongestStatusLine];
        var length = await stream.ReadAtLeastAsync(start, "HTTP/1.1 200".Length, throwOnEndOfStream: false);
        var line = Encoding.ASCII.GetString(start, 0, length);
        int? status = line.StartsWith("HTTP/1.", StringComparison.Ordinal) && length >= 12
            && int.TryParse(line.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

        // The rest of the answer is a part of the way, too.
        await stream.CopyToAsync(Stream.Null);
        return status;
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }

    private sealed class PoolFeature(MemoryPool<byte> pool) : IMemoryPoolFeature
    {
        public MemoryPool<byte> MemoryPool => pool;
    }
}
