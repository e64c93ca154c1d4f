using KestrelGreenTransport.Supervisor.Control;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary>Prints the supervisor's events while a command waits.</summary>
internal sealed class Progress
{
    public static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(200);

    private const int Attempts = 10;

    private readonly ToolHost _host;
    private readonly ControlClient _client;
    private readonly long _from;
    private long _next;

    /// <summary>Remembers the current position in the supervisor's events: only later ones are shown.</summary>
    public Progress(ToolHost host, ControlClient client)
    {
        _host = host;
        _client = client;
        _next = _from = client.Ask(new ControlRequest { Command = "events", Last = 0 }, static response => response).Next ?? 0;
    }

    /// <summary>The supervisor's current status.</summary>
    /// <exception cref="ControlException">No supervisor has answered for a while.</exception>
    public static StatusDocument Look(ToolHost host, ControlClient client) =>
        Ask(host, () => client.Ask(new ControlRequest { Command = "status" }));

    /// <summary>
    /// Asks a question, and repeats it if no answer comes: a supervisor that is just handing over exits without an answer, and the
    /// next one listens right after; and a machine may be too busy to answer within a client's time limit.
    /// </summary>
    /// <exception cref="ControlException">No supervisor has answered for a while.</exception>
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

    /// <summary>Prints the events since the last call.</summary>
    public void Show()
    {
        var answer = Ask(_host, () => _client.Ask(new ControlRequest { Command = "events", After = _next }, static response => response));
        _next = answer.Next ?? _next;
        foreach (var line in answer.Lines ?? [])
        {
            _host.Error.WriteLine(line.Text);
        }
    }

    /// <summary>The last lines that a worker itself has written since the command began.</summary>
    public IReadOnlyList<string> LinesOf(int worker, int last) =>
    [
        .. (_client.Ask(new ControlRequest { Command = "logs", Worker = worker, After = _from, Last = last * 2 }, static response => response).Lines ?? [])
            .Where(static line => line.Stream is not null)
            .TakeLast(last)
            .Select(static line => line.Text),
    ];
}
