using System.Net.Sockets;
using System.Text;

namespace KestrelGreenTransport.Supervisor.Tests.Control;

/// <summary>Listens on a Unix socket and answers each connection as the test says.</summary>
internal sealed class FakeSupervisor : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;

    /// <param name="path">Where to listen.</param>
    /// <param name="answer">What to do with a connection once its request line was read; afterwards the connection is closed.</param>
    public FakeSupervisor(string path, Func<Socket, string, CancellationToken, Task> answer)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _serving = Serve(answer);
    }

    /// <summary>Answers requests with these texts in turn, and then always with the last one.</summary>
    public FakeSupervisor(string path, params string[] answers)
        : this(path, InTurn(answers))
    {
    }

    /// <summary>The requests so far.</summary>
    public List<string> Requests { get; } = [];

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        _serving.Wait(TimeSpan.FromSeconds(30));
        _end.Dispose();
    }

    private static Func<Socket, string, CancellationToken, Task> InTurn(string[] answers)
    {
        var next = 0;
        return async (socket, _, _) => await socket.SendAsync(Encoding.UTF8.GetBytes(answers[Math.Min(next++, answers.Length - 1)]));
    }

    private async Task Serve(Func<Socket, string, CancellationToken, Task> answer)
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptAsync(_end.Token);
                if (await ReadLine(client) is { } line)
                {
                    Requests.Add(line);
                    await answer(client, line, _end.Token);
                }
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException or SocketException)
        {
        }
    }

    // Null for a client that only checked whether a process listens.
    private async Task<string?> ReadLine(Socket client)
    {
        var line = new StringBuilder();
        var buffer = new byte[1];
        while (await client.ReceiveAsync(buffer, _end.Token) == 1)
        {
            if (buffer[0] == '\n')
            {
                return line.ToString();
            }

            line.Append((char)buffer[0]);
        }

        return null;
    }
}
