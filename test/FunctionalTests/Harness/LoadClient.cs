using System.Collections.Concurrent;
using LoadGenerator;

namespace FunctionalTests.Harness;

/// <summary>
/// A load that a test starts, waits for, and finally asks about the outcome of every request. It never ends by itself: disposing
/// stops it if a test failed before it could.
/// </summary>
internal sealed class LoadClient : IAsyncDisposable
{
    // Clients that never rest would take the cores from what the test waits for: processes that boot, drain and exit.
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(3);

    private readonly Load _load;

    private LoadClient(LoadPlan plan) => _load = Load.Start(plan.Pause == default ? plan with { Pause = Rest } : plan);

    public LoadReport Report => _load.Report;

    public long Answered => Report.Answered;

    /// <summary>Requests that were refused because no process listened.</summary>
    public long Refused => Report[Outcome.Refused];

    /// <summary>Requests that were lost in any other way.</summary>
    public long Broken => Report.Lost - Refused;

    public static LoadClient Start(Target target, int clients, string path = "/pid", bool keepAlive = false, TimeSpan pause = default) =>
        new(new LoadPlan { EndPoint = target.EndPoint, Clients = clients, Path = path, KeepAlive = keepAlive, Pause = pause });

    /// <summary>Posts with a body, on connections that are reused.</summary>
    public static LoadClient Post(Target target, int clients, int body = 200, TimeSpan pause = default) =>
        new(new LoadPlan { EndPoint = target.EndPoint, Clients = clients, Path = "/echo", Body = body, Pause = pause });

    /// <summary>The same over TLS; records the hash of each certificate that the server shows.</summary>
    public static LoadClient PostOverTls(Target target, int clients, ConcurrentQueue<string> certificates, TimeSpan pause = default) => new(new LoadPlan
    {
        EndPoint = target.EndPoint,
        Clients = clients,
        Path = "/echo",
        Body = 200,
        Pause = pause,
        Tls = (_, certificate, _, _) =>
        {
            certificates.Enqueue(certificate?.GetCertHashString() ?? "none");
            return certificate is not null;
        },
    });

    /// <summary>Waits until this many more requests were answered: proof that the load continues.</summary>
    public Task More(int requests)
    {
        var from = Answered;
        return Eventually.True($"{requests} more answers", () => Answered >= from + requests, ToString);
    }

    /// <summary>Lets every client finish its current request.</summary>
    public Task Stop() => _load.StopAsync();

    public ValueTask DisposeAsync() => new(Stop());

    public void AssertNothingLost()
    {
        Assert.True(Report.Lost == 0, ToString());
        Assert.Equal(Report.Begun, Report.Answered);
    }

    public override string ToString() => $"{Report}\n{string.Join('\n', Report.Losses.Take(10))}";
}
