using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace LoadGenerator;

/// <summary>
/// Clients that send requests until they are stopped.
///
/// Every request is counted, and so is how it ended: nothing is silently retried. A client whose request was lost continues with
/// the next one, on a new connection.
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

    /// <summary>Lets every client finish its current request. Afterwards no request is open.</summary>
    public Task StopAsync()
    {
        _stopping = true;
        return _clients;
    }

    /// <summary>Completes when each client has sent as many requests as the plan says, or after <see cref="StopAsync"/>.</summary>
    public Task Clients => _clients;

    // The clients start evenly spread over the ramp, in the order of their numbers.
    private async Task ComeAsync(int number)
    {
        await Task.Delay(_plan.Ramp * number / _plan.Clients);
        if (_plan.Streams == 0)
        {
            await AskUntilStoppedAsync();
            return;
        }

        using var client = new Http2Client(_plan.EndPoint, Report.Connected);
        await Task.WhenAll(Enumerable.Range(0, _plan.Streams).Select(_ => AskUntilStoppedAsync(client)));
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
                    connection = await LoadConnection.OpenAsync(_plan.EndPoint, _plan.ReadPause, _plan.Tls, limit.Token);
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
                Report.Lose(new Loss(OutcomeOf(e), TimeProvider.System.GetUtcNow(), connection?.Server, connection?.Client, e.Message));
            }

            connection?.Dispose();
            connection = null;
            await RestAsync();
        }

        connection?.Dispose();
    }

    private async Task AskOnceAsync(LoadConnection connection, CancellationToken limit)
    {
        var body = NextBody();
        var request = new StringBuilder()
            .Append(_plan.Body == 0 ? "GET " : "POST ").Append(_plan.Path).Append(" HTTP/1.1\r\nHost: test\r\n")
            .Append(_plan.KeepAlive ? "" : "Connection: close\r\n")
            .Append(_plan.Body == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n"))
            .Append("\r\n").Append(body)
            .ToString();

        var (status, answer) = await connection.AskAsync(Encoding.ASCII.GetBytes(request), limit);
        connection.Server = ServerOf(status, answer, body) ?? connection.Server;
    }

    // One of several callers on the client's connection.
    private async Task AskUntilStoppedAsync(Http2Client client)
    {
        for (var asked = 0L; !_stopping && asked != _plan.RequestsOfEach; asked++)
        {
            Report.Begin();
            var start = Stopwatch.GetTimestamp();
            var server = client.Server;
            using var limit = new CancellationTokenSource(_plan.Timeout);
            try
            {
                var body = NextBody();
                var (status, answer) = await client.AskAsync(_plan.Path, body, limit.Token);
                var answeredBy = ServerOf(status, answer, body);
                client.OnAnswered(answeredBy);
                Report.AnsweredBy(answeredBy, Stopwatch.GetElapsedTime(start));
            }
            catch (Exception e)
            {
                // If the connection has changed in the meantime, it is unknown on which one the request was lost.
                Report.Lose(new Loss(OutcomeOf(e), TimeProvider.System.GetUtcNow(), client.Server == server ? server : null, Client: null, Http2Client.ReasonOf(e)));
            }

            await RestAsync();
        }
    }

    // Each one is different, so that an answer to another request is noticed.
    private string NextBody() =>
        _plan.Body == 0 ? "" : Interlocked.Increment(ref _numbers).ToString(CultureInfo.InvariantCulture).PadRight(_plan.Body, '.');

    /// <summary>The process that gave the answer, if it says so.</summary>
    private static int? ServerOf(int status, string answer, string body)
    {
        if (status != 200)
        {
            throw new InvalidDataException($"status {status}: {answer}");
        }

        if (body.Length == 0)
        {
            return int.TryParse(answer, CultureInfo.InvariantCulture, out var named) ? named : null;
        }

        var space = answer.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0 || !int.TryParse(answer.AsSpan(0, space), CultureInfo.InvariantCulture, out var server) || !answer.AsSpan(space + 1).SequenceEqual(body))
        {
            throw new InvalidDataException($"asked with '{body.TrimEnd('.')}', answered with '{answer.TrimEnd('.')}'");
        }

        return server;
    }

    private Task RestAsync() => _plan.Pause > TimeSpan.Zero ? Task.Delay(_plan.Pause) : Task.CompletedTask;

    private static Outcome OutcomeOf(Exception e) => e switch
    {
        HttpRequestException http => Http2Client.OutcomeOf(http),
        OperationCanceledException => Outcome.TimedOut,
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => Outcome.Refused,
        SocketException => Outcome.Reset,
        IOException { InnerException: SocketException } => Outcome.Reset,
        IOException => Outcome.Ended,
        _ => Outcome.Wrong,
    };
}
