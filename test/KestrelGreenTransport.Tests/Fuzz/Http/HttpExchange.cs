using System.Globalization;
using System.Text;

namespace KestrelGreenTransport.Tests.Fuzz.Http;

/// <summary>One request, and what its client must know to send it.</summary>
/// <param name="Head">The request line and the headers.</param>
/// <param name="Body">The framed body.</param>
internal sealed record HttpExchange(string Head, byte[] Body)
{
    private static readonly string[] Malformed =
    [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/3.7\r\nHost: test\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET no-slash HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET /%00 HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET /\r\nHost: test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: test\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: test\r\n folded: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: test\r\nspace : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: test\r\nX: \0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: test\r\n\r\n",
        "POST /echo HTTP/1.0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999999\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nno colon\r\n\r\n",
        "CONNECT test:80 HTTP/1.1\r\nHost: other\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        $"GET /{new string('a', 9000)} HTTP/1.1\r\nHost: test\r\n\r\n",
        $"GET / HTTP/1.1\r\nHost: test\r\nX: {new string('x', 40_000)}\r\n\r\n",
        $"GET / HTTP/1.1\r\nHost: test\r\n{string.Concat(Enumerable.Range(0, 120).Select(static i => $"X-{i}: {i}\r\n"))}\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ];

    /// <summary>The answer has no body.</summary>
    public bool IsHead { get; init; }

    /// <summary>The body follows when the server asks for it (100 Continue).</summary>
    public bool Expects { get; init; }

    /// <summary>Raw bytes are echoed after the answer, until the client closes its half.</summary>
    public bool Upgrades { get; init; }

    /// <summary>The server closes the connection with its answer, or instead of it.</summary>
    public bool Ends { get; init; }

    /// <summary>
    /// The server may close while bytes are on their way to it, or close with a reset, which may overtake its answer. It is only
    /// certain that both runs see the beginning of the same answer.
    /// </summary>
    public bool IsLoose { get; init; }

    /// <summary>
    /// The handler blocks its thread until more of the body arrives. On an event loop without a guard, nothing would receive that
    /// data.
    /// </summary>
    public bool Blocks { get; init; }

    public static HttpExchange Any(Random random, bool isLast)
    {
        if (isLast && random.Next(4) == 0)
        {
            return new(Malformed[random.Next(Malformed.Length)], []) { Ends = true, IsLoose = true };
        }

        if (isLast && random.Next(8) == 0)
        {
            return new("GET /upgrade HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", AnyBytes(random, random.Next(1, 5000))) { Upgrades = true, Ends = true };
        }

        if (isLast && random.Next(8) == 0)
        {
            return new($"GET {(random.Next(2) == 0 ? "/abort" : "/throw-late")} HTTP/1.1\r\nHost: test\r\n\r\n", []) { Ends = true, IsLoose = true };
        }

        var close = isLast && random.Next(3) != 0;
        return random.Next(2) == 0 ? Get(random, close) : Post(random, isLast, close);
    }

    public override string ToString()
    {
        var text = Head.ReplaceLineEndings("\\n");
        return $"{(text.Length > 200 ? text[..200] + "..." : text)} + {Body.Length} bytes{(IsHead ? " head" : "")}{(Expects ? " expects" : "")}{(Upgrades ? " upgrades" : "")}";
    }

    private static HttpExchange Get(Random random, bool close)
    {
        string[] paths =
        [
            $"/hello/{random.Next(200)}", $"/hello/{random.Next(300_000)}", $"/stream/{random.Next(6)}/{random.Next(3000)}", "/throw", $"/sleep/{random.Next(5)}",
            "/wait", "/yield", "/complete", "/trailers", "/status/204", "/status/304", "/status/404", $"/pipe/{random.Next(20_000)}", "/late",
        ];
        var isHead = random.Next(8) == 0;
        var isOld = close && random.Next(4) == 0;
        var head = new StringBuilder($"{(isHead ? "HEAD" : "GET")} {paths[random.Next(paths.Length)]} HTTP/1.{(isOld ? 0 : 1)}\r\nHost: test\r\n");
        for (var i = random.Next(4); i > 0; i--)
        {
            head.Append(CultureInfo.InvariantCulture, $"X-{i}: {new string('x', random.Next(random.Next(2) == 0 ? 30 : 3000))}\r\n");
        }

        return new(head.Append(close && !isOld ? "Connection: close\r\n\r\n" : "\r\n").ToString(), []) { IsHead = isHead, Ends = close };
    }

    private static HttpExchange Post(Random random, bool isLast, bool close)
    {
        string[] paths = ["/echo", "/echo-stream", $"/partial/{random.Next(2000)}", "/early", "/sync-body", "/echo-pipe", "/trailers"];
        var path = paths[random.Next(paths.Length)];
        var body = AnyBytes(random, random.Next(4) == 0 ? random.Next(150_000) : random.Next(2000));
        var expects = path is "/echo" or "/echo-stream" && body.Length > 0 && random.Next(5) == 0;
        var rest = (expects ? "Expect: 100-continue\r\n" : "") + (close ? "Connection: close\r\n\r\n" : "\r\n");
        var blocks = path == "/sync-body";

        // Kestrel closes a connection if its last body was not read, and closing with unread bytes causes a reset. If it keeps the
        // connection, it reads on to the next request; whether a client that closes its half then causes an abort is a matter of timing.
        var isLoose = isLast && (path == "/early" || path.StartsWith("/partial", StringComparison.Ordinal));
        if (random.Next(2) == 0)
        {
            return new($"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {body.Length}\r\n{rest}", body) { Expects = expects, Ends = close, IsLoose = isLoose, Blocks = blocks };
        }

        var framed = new List<byte>();
        for (var position = 0; position < body.Length;)
        {
            var length = Math.Min(random.Next(1, 10_000), body.Length - position);
            framed.AddRange(Encoding.ASCII.GetBytes($"{length:x}{(random.Next(5) == 0 ? ";x=y" : "")}\r\n"));
            framed.AddRange(body.AsSpan(position, length));
            framed.AddRange("\r\n"u8);
            position += length;
        }

        framed.AddRange(Encoding.ASCII.GetBytes(random.Next(2) == 0 ? "0\r\n\r\n" : $"0\r\nSum: {body.Length}\r\n\r\n"));
        return new($"POST {path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n{rest}", [.. framed]) { Expects = expects, Ends = close, IsLoose = isLoose, Blocks = blocks };
    }

    private static byte[] AnyBytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
