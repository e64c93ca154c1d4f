using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace KestrelGreenTransport.Tests.Draining;

/// <summary>An idle connection is ended while its client sends a request, the app cancels its read, or the app aborts: one of them wins, and nothing hangs.</summary>
public class EndIdleRaceTests
{
    private enum Rival
    {
        None,
        Cancel,
        Abort,
    }

    [Fact]
    public async Task Of_an_end_a_request_a_cancel_and_an_abort_each_has_its_effect_or_none()
    {
        const int Rounds = 60;
        var served = new Served();
        await using var app = await ServedApp.RunAsync(ServedBy.EpollAdaptive, served.EchoAsync, static options => options.EventLoops = 1);
        var backend = app.Services.GetRequiredService<Lazy<ITransportBackend>>().Value;
        for (var round = 0; round < Rounds; round++)
        {
            var rival = (Rival)(round % 3);
            using var client = await app.ConnectAsync();
            await client.SendAsync("a");
            await client.ExpectAsync("a");
            var connection = Assert.Single(backend.Connections());
            var quietSince = connection.Activity.QuietSince;
            using var start = new Barrier(3);
            var ending = Racing(() => connection.TryEndIdle(quietSince));
            var rivalling = Racing(() =>
            {
                switch (rival)
                {
                    case Rival.Cancel:
                        ((ConnectionContext)connection).Transport.Input.CancelPendingRead();
                        break;
                    case Rival.Abort:
                        ((ConnectionContext)connection).Abort();
                        break;
                }

                return true;
            });
            start.SignalAndWait();
            await TryAsync(() => client.SendAsync("b"));
            var hasEnded = await Wait.ForAsync(ending);
            await Wait.ForAsync(rivalling);

            // Only now, so that the server cannot see this end before its own.
            var answer = "";
            await TryAsync(async () =>
            {
                client.Shutdown(SocketShutdown.Send);
                answer = await client.ReceiveAllAsync();
            });

            // Without an abort, only the end decides: it applies only to an idle connection, which this one is not once it has a request.
            if (rival != Rival.Abort)
            {
                Assert.Equal(hasEnded ? "" : "b", answer);
            }

            await Wait.UntilAsync(() => app.State.Pools[0].Held == 0, "its slot is back");
            Assert.False(app.State.Pools[0].IsInUse && backend.Connections().Count > 0);

            Task<bool> Racing(Func<bool> act) => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait();
                    return act();
                },
                TestContext.Current.CancellationToken,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
        }

        Assert.Equal(0, served.Surprises);
    }

    // The other side may have closed by then.
    private static async Task TryAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.NotConnected)
        {
        }
    }

    private sealed class Served
    {
        private int _surprises;

        public int Surprises => Volatile.Read(ref _surprises);

        public async Task EchoAsync(ConnectionContext connection)
        {
            try
            {
                while (true)
                {
                    var read = await connection.Transport.Input.ReadAsync();
                    foreach (var part in read.Buffer)
                    {
                        await connection.Transport.Output.WriteAsync(part);
                    }

                    connection.Transport.Input.AdvanceTo(read.Buffer.End);
                    if (read.IsCompleted)
                    {
                        return;
                    }
                }
            }
            catch (ConnectionAbortedException)
            {
                // Aborted, as requested.
            }
            catch (Exception exception) when (exception is not ConnectionResetException)
            {
                Interlocked.Increment(ref _surprises);
            }
        }
    }
}
