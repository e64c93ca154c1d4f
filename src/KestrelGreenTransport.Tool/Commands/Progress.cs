using KestrelGreenTransport.Supervisor.Control;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary>What the supervisor says while somebody waits for it.</summary>
internal sealed class Progress
{
    public static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(200);

    private const int Attempts = 10;

    private readonly ToolHost _host;
    private readonly ControlClient _client;
    private readonly long _from;
    private long _next;

    /// <summary>Remembers where the supervisor's events are now: what comes from here on is shown.</summary>
    public Progress(ToolHost host, ControlClient client)
    {
        _host = host;
        _client = client;
        _next = _from = client.Ask(new ControlRequest { Command = "events", Last = 0 }, static response => response).Next ?? 0;
    }

    /// <summary>How the supervisor is now.</summary>
    /// <exception cref="ControlException">Nobody has answered for a while.</exception>
    public static StatusDocument Look(ToolHost host, ControlClient client) =>
        Ask(host, () => client.Ask(new ControlRequest { Command = "status" }));

    /// <summary>
    /// Asks a question, and again where no answer comes: whoever is asked as a supervisor hands over leaves without one, and the
    /// next one listens right after; and a machine may be too busy to answer within a client's time.
    /// </summary>
    /// <exception cref="ControlException">Nobody has answered for a while.</exception>
    public static T Ask<T>(ToolHost host, Func<T> question)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return question();
            }
            catch (ControlException) when (attempt < Attempts)
            {
                host.Wait(LookAgainAfter);
            }
        }
    }

    /// <summary>Shows what has been said since the last look.</summary>
    public void Show()
    {
        var answer = Ask(_host, () => _client.Ask(new ControlRequest { Command = "events", After = _next }, static response => response));
        _next = answer.Next ?? _next;
        foreach (var line in answer.Lines ?? [])
        {
            _host.Error.WriteLine(line.Text);
        }
    }

    /// <summary>What a worker itself has written meanwhile.</summary>
    public IReadOnlyList<string> LinesOf(int worker, int last) =>
    [
        .. (_client.Ask(new ControlRequest { Command = "logs", Worker = worker, After = _from, Last = last * 2 }, static response => response).Lines ?? [])
            .Where(static line => line.Stream is not null)
            .TakeLast(last)
            .Select(static line => line.Text),
    ];
}
