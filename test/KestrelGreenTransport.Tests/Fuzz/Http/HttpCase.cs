using System.Net.Sockets;
using System.Text;
using KestrelGreenTransport.Tests.Epoll;

namespace KestrelGreenTransport.Tests.Fuzz.Http;

/// <summary>How a client leaves.</summary>
internal enum HttpEnd
{
    /// <summary>It reads until the server closes the connection, or closes its half after the last answer if the server does not.</summary>
    Polite,

    /// <summary>It closes its half in the middle of the last request.</summary>
    CutShort,

    /// <summary>It resets in the middle of the last request.</summary>
    Reset,
}

/// <summary>A stream of requests, and how they are sent and their answers received. All random choices come from one seed.</summary>
internal sealed class HttpCase(int seed, IReadOnlyList<HttpExchange> exchanges, HttpEnd end)
{
    public IReadOnlyList<HttpExchange> Exchanges => exchanges;

    // How an app learns that its client has gone is a race between the request, the end and the answer, also over Kestrel's own
    // transport: Kestrel drops the current answer when it sees the end. So the comparison covers only the complete answers that
    // arrived.
    private bool IsLoose => end != HttpEnd.Polite || exchanges[^1].IsLoose;

    public static HttpCase Of(int seed)
    {
        var random = new Random(seed);
        var count = random.Next(1, 9);
        HttpExchange[] exchanges = [.. Enumerable.Range(1, count).Select(i => HttpExchange.Any(random, isLast: i == count))];
        var end = random.Next(6) switch { 0 => HttpEnd.CutShort, 1 => HttpEnd.Reset, _ => HttpEnd.Polite };
        return new HttpCase(seed, exchanges, end);
    }

    /// <summary>This case without one of its requests.</summary>
    public HttpCase Without(int index) => new(seed, [.. exchanges.Where((_, i) => i != index)], end);

    /// <summary>Whether this case may run over that transport.</summary>
    public bool Suits(ServedBy by) => by != ServedBy.EpollInline || !exchanges.Any(static exchange => exchange.Blocks);

    /// <summary>Whether two runs of this case had the same outcome.</summary>
    public bool Agree(HttpOutcome one, HttpOutcome other)
    {
        if (!IsLoose)
        {
            return one == other;
        }

        var (shorter, longer) = one.Text.Length < other.Text.Length ? (one, other) : (other, one);
        return one.IsSilent == other.IsSilent && longer.Text.StartsWith(shorter.Text, StringComparison.Ordinal);
    }

    /// <summary>One run, with a client that gives up when nothing has arrived for this long.</summary>
    public async Task<HttpOutcome> RunAsync(ServedApp app, TimeSpan patience)
    {
        // The same random choices over every transport.
        var random = new Random(seed + 1);
        using var client = await app.ConnectAsync(socket => socket.ReceiveBufferSize = random.Next(3) == 0 ? 4096 : 65_536);
        var answers = new HttpAnswers(exchanges);
        var progress = new SemaphoreSlim(0);
        var receiving = ReceiveAsync(client, answers, progress, random.Next(3) == 0 ? 700 : 65_536, patience);
        var sending = SendAsync(client, answers, progress, receiving, random);
        var how = await receiving;
        if (how == HttpOutcome.Silent)
        {
            // The server no longer reads what is still being sent.
            client.Dispose();
        }

        var error = await Record.ExceptionAsync(() => Wait.ForAsync(sending));
        if (error is not (null or SocketException or ObjectDisposedException))
        {
            throw error;
        }

        return new HttpOutcome(answers.Text(withRest: how == HttpOutcome.EndOfStream && !IsLoose), error is null || IsLoose ? how : $"{how}, before all was sent");
    }

    public override string ToString() => $"{end}\n{string.Join('\n', exchanges)}";

    private async Task SendAsync(Socket client, HttpAnswers answers, SemaphoreSlim progress, Task receiving, Random random)
    {
        var pipelines = random.Next(2) == 0;
        var cuts = random.Next(2) == 0;
        for (var i = 0; i < exchanges.Count; i++)
        {
            var exchange = exchanges[i];
            if ((!pipelines || exchange.Expects || exchange.Upgrades) && !await IsSoAsync(() => answers.Complete >= i))
            {
                return;
            }

            byte[] head = Encoding.Latin1.GetBytes(exchange.Head);
            if (i == exchanges.Count - 1 && end != HttpEnd.Polite)
            {
                byte[] all = [.. head, .. exchange.Body];
                await client.SendAllAsync(all.AsMemory(0, random.Next(all.Length)));
                if (end == HttpEnd.Reset)
                {
                    client.Reset();
                }
                else
                {
                    client.Shutdown(SocketShutdown.Send);
                }

                return;
            }

            if (exchange.Expects || exchange.Upgrades)
            {
                var continued = answers.Continued;
                await SendPiecesAsync(head);
                if (!await IsSoAsync(() => exchange.Upgrades ? answers.Raw is not null : answers.Continued > continued))
                {
                    return;
                }

                await SendPiecesAsync(exchange.Body);
                if (exchange.Upgrades)
                {
                    await IsSoAsync(() => answers.Raw >= exchange.Body.Length);
                    client.Shutdown(SocketShutdown.Send);
                }
            }
            else if (exchange.IsLoose)
            {
                // In one piece: the server may close before a second one arrives.
                await client.SendAllAsync((byte[])[.. head, .. exchange.Body]);
            }
            else
            {
                await SendPiecesAsync([.. head, .. exchange.Body]);
            }
        }

        // A server that found no error in the last request keeps the connection open.
        if ((!exchanges[^1].Ends || exchanges[^1].IsLoose) && await IsSoAsync(() => answers.Complete >= exchanges.Count))
        {
            client.Shutdown(SocketShutdown.Send);
        }

        async Task SendPiecesAsync(byte[] bytes)
        {
            for (var position = 0; position < bytes.Length;)
            {
                var length = Math.Min(cuts ? random.Next(1, random.Next(3) == 0 ? 20 : 20_000) : bytes.Length, bytes.Length - position);
                await client.SendAllAsync(bytes.AsMemory(position, length));
                position += length;
                if (cuts)
                {
                    await Task.Yield();
                }
            }
        }

        // False if the connection ends first.
        async Task<bool> IsSoAsync(Func<bool> fact)
        {
            while (!fact() && !receiving.IsCompleted)
            {
                await progress.WaitAsync();
            }

            return fact();
        }
    }

    // Returns how the connection ended.
    private static async Task<string> ReceiveAsync(Socket client, HttpAnswers answers, SemaphoreSlim progress, int size, TimeSpan patience)
    {
        var buffer = new byte[size];
        try
        {
            while (true)
            {
                var receive = client.ReceiveAsync(buffer.AsMemory()).AsTask();
                if (await Record.ExceptionAsync(() => receive.WaitAsync(patience)) is TimeoutException)
                {
                    return HttpOutcome.Silent;
                }

                var length = await receive;
                if (length == 0)
                {
                    return HttpOutcome.EndOfStream;
                }

                answers.Add(buffer.AsSpan(0, length));
                progress.Release();
                if (size < 1000)
                {
                    await Task.Yield();
                }
            }
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode.ToString();
        }
        catch (ObjectDisposedException)
        {
            return "closed by the client";
        }
        finally
        {
            // Wakes every waiter: each checks whether this has ended.
            progress.Release(1000);
        }
    }
}

/// <summary>The outcome of a case.</summary>
/// <param name="Text">The answers.</param>
/// <param name="End">How the connection ended.</param>
internal sealed record HttpOutcome(string Text, string End)
{
    public const string EndOfStream = "end of stream";
    public const string Silent = "still open, and silent";

    public bool IsSilent => End.StartsWith(Silent, StringComparison.Ordinal);
}
