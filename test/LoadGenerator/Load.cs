using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace LoadGenerator;

/// <summary>
/// Clients that ask without end until they are stopped.
///
/// Every request that is begun is counted, and so is how it ended: nothing is tried again silently. A client whose request
/// was lost goes on with the next one, on a new connection.
/// </summary>
public sealed class Load
{
    private readonly LoadPlan _plan;
    private readonly Task _clients;
    private long _numbers;
    private volatile bool _stopping;

    private Load(LoadPlan plan)
    {
        _plan = plan;
        _clients = Task.WhenAll(Enumerable.Range(0, plan.Clients).Select(number => Task.Run(() => ComeAsync(number))));
    }

    public LoadReport Report { get; } = new();

    public static Load Start(LoadPlan plan) => new(plan);

    /// <summary>Lets every client finish the request that it is in. Then each request that was begun has ended.</summary>
    public Task StopAsync()
    {
        _stopping = true;
        return _clients;
    }

    /// <summary>Ends when each client has asked as often as the plan says, or after <see cref="StopAsync"/>.</summary>
    public Task Clients => _clients;

    // The clients come evenly spread over the ramp, in the order of their numbers.
    private async Task ComeAsync(int number)
    {
        await Task.Delay(_plan.Ramp * number / _plan.Clients);
        await AskUntilStoppedAsync();
    }

    private async Task AskUntilStoppedAsync()
    {
        LoadConnection? connection = null;
        for (var asked = 0L; !_stopping && asked != _plan.RequestsOfEach; asked++)
        {
            if (connection is { WasClosedWhileIdle: true })
            {
                connection.Dispose();
                connection = null;
            }

            Report.Begin();
            var start = Stopwatch.GetTimestamp();
            using var limit = new CancellationTokenSource(_plan.Timeout);
            try
            {
                if (connection is null)
                {
                    connection = await LoadConnection.OpenAsync(_plan.EndPoint, limit.Token);
                    Report.Connected();
                }

                await AskOnceAsync(connection, limit.Token);
                Report.AnsweredBy(connection.Server, Stopwatch.GetElapsedTime(start));
                if (_plan.KeepAlive && !connection.IsOver)
                {
                    await RestAsync();
                    continue;
                }
            }
            catch (Exception e)
            {
                Report.Lose(new Loss(OutcomeOf(e), TimeProvider.System.GetUtcNow(), connection?.Server, e.Message));
            }

            connection?.Dispose();
            connection = null;
            await RestAsync();
        }

        connection?.Dispose();
    }

    private async Task AskOnceAsync(LoadConnection connection, CancellationToken limit)
    {
        // No two requests are alike, so that an answer to another one is noticed.
        var body = _plan.Body == 0 ? "" : Interlocked.Increment(ref _numbers).ToString(CultureInfo.InvariantCulture).PadRight(_plan.Body, '.');
        var request = new StringBuilder()
            .Append(_plan.Body == 0 ? "GET " : "POST ").Append(_plan.Path).Append(" HTTP/1.1\r\nHost: test\r\n")
            .Append(_plan.KeepAlive ? "" : "Connection: close\r\n")
            .Append(_plan.Body == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n"))
            .Append("\r\n").Append(body)
            .ToString();

        var (status, answer) = await connection.AskAsync(Encoding.ASCII.GetBytes(request), limit);
        if (status != 200)
        {
            throw new InvalidDataException($"status {status}: {answer}");
        }

        if (_plan.Body != 0)
        {
            var space = answer.IndexOf(' ', StringComparison.Ordinal);
            if (space < 0 || !int.TryParse(answer.AsSpan(0, space), CultureInfo.InvariantCulture, out var server) || !answer.AsSpan(space + 1).SequenceEqual(body))
            {
                throw new InvalidDataException($"asked with '{body.TrimEnd('.')}', answered with '{answer.TrimEnd('.')}'");
            }

            connection.Server = server;
        }
    }

    private Task RestAsync() => _plan.Pause > TimeSpan.Zero ? Task.Delay(_plan.Pause) : Task.CompletedTask;

    private static Outcome OutcomeOf(Exception e) => e switch
    {
        OperationCanceledException => Outcome.TimedOut,
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => Outcome.Refused,
        SocketException => Outcome.Reset,
        EndOfStreamException => Outcome.Ended,
        _ => Outcome.Wrong,
    };
}
