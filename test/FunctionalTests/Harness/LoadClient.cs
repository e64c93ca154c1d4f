using System.Net.Sockets;

namespace FunctionalTests.Harness;

/// <summary>
/// Clients that ask without pause until they are stopped. Every request that was begun is counted exactly once: as
/// answered, refused (nobody listens), or broken (anything else, with the first few reasons kept).
/// </summary>
internal sealed class LoadClient
{
    private readonly Target _target;
    private readonly string _path;
    private readonly bool _keepAlive;
    private readonly Task _clients;
    private readonly List<string> _reasons = [];
    private volatile bool _stopping;
    private int _answered;
    private int _refused;
    private int _broken;

    private LoadClient(Target target, int clients, string path, bool keepAlive)
    {
        (_target, _path, _keepAlive) = (target, path, keepAlive);
        _clients = Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(Ask)));
    }

    public int Answered => Volatile.Read(ref _answered);

    public int Refused => Volatile.Read(ref _refused);

    public int Broken => Volatile.Read(ref _broken);

    public static LoadClient Start(Target target, int clients, string path = "/pid", bool keepAlive = false) => new(target, clients, path, keepAlive);

    /// <summary>Waits until so many more requests were answered: proof that the load went on.</summary>
    public Task More(int requests)
    {
        var from = Answered;
        return Eventually.True($"{requests} more answers", () => Answered >= from + requests, ToString);
    }

    /// <summary>Lets every client finish the request that it is in.</summary>
    public Task Stop()
    {
        _stopping = true;
        return _clients;
    }

    public override string ToString()
    {
        lock (_reasons)
        {
            return $"{Answered} answered, {Refused} refused, {Broken} broken\n{string.Join('\n', _reasons)}";
        }
    }

    private async Task Ask()
    {
        RawConnection? connection = null;
        while (!_stopping)
        {
            try
            {
                connection ??= await RawConnection.To(_target);
                await connection.Get(_path, _keepAlive);
                Interlocked.Increment(ref _answered);
                if (_keepAlive)
                {
                    continue;
                }
            }
            catch (Exception e)
            {
                Count(e);
            }

            connection?.Dispose();
            connection = null;
        }

        connection?.Dispose();
    }

    private void Count(Exception e)
    {
        if (e is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
        {
            Interlocked.Increment(ref _refused);
            return;
        }

        Interlocked.Increment(ref _broken);
        lock (_reasons)
        {
            if (_reasons.Count < 10)
            {
                _reasons.Add(e.Message);
            }
        }
    }
}
