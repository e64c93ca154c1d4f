using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using Microsoft.Extensions.DependencyInjection;

namespace KestrelGreenTransport.Tests.Accepting;

/// <summary>What a listener does for its siblings, and what it never costs a client.</summary>
public class BalancedAcceptTests
{
    [Theory]
    [InlineData(GreenTransportBackend.Sockets)]
    [InlineData(GreenTransportBackend.Epoll)]
    public async Task Who_has_its_share_leaves_the_next_client_to_a_sibling(GreenTransportBackend backend)
    {
        using var sibling = Listeners.Tcp();
        await using var app = await StartAsync(backend, sibling, balanced: true);
        using var first = await ConnectAsync(sibling);
        await Wait.UntilAsync(() => app.Pool.Held == 1, "the first is taken");

        // Several tries, since a sibling that is late by a tick loses one. Blocking, so that it waits in the kernel, as a sibling does.
        var left = 0;
        for (var i = 0; i < 50 && left < 3; i++)
        {
            var accepting = Task.Factory.StartNew(() => sibling.Poll(5_000, SelectMode.SelectRead) ? TryAccept(sibling) : null, TaskCreationOptions.LongRunning);
            using var client = await ConnectAsync(sibling);
            using var taken = await Wait.ForAsync(accepting);
            left += taken is null ? 0 : 1;
        }

        Assert.Equal(3, left);
    }

    [Theory]
    [InlineData(GreenTransportBackend.Sockets)]
    [InlineData(GreenTransportBackend.Epoll)]
    public async Task Whom_no_sibling_takes_is_taken_all_the_same(GreenTransportBackend backend)
    {
        using var sibling = Listeners.Tcp();
        await using var app = await StartAsync(backend, sibling, balanced: true);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("hello", await Wait.ForAsync(TestApp.GetAsync(sibling.LocalEndPoint!)));
        }

        var clients = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ConnectAsync(sibling)));
        await Wait.UntilAsync(() => app.Pool.Held == 50, "all are taken");
        Array.ForEach(clients, static client => client.Dispose());
    }

    [Fact]
    public async Task Who_is_called_back_while_it_takes_one_that_waited_stands_in_line_again()
    {
        using var sibling = Listeners.Tcp();
        var figures = new SiblingsThatFillUp();
        await using var app = await TestApp.StartAsync(
            static options => (options.Backend, options.EventLoops) = (GreenTransportBackend.Epoll, 1),
            build: builder => builder.Services.AddSingleton<ISiblings>(services => figures.Of(services.GetRequiredService<TransportState>())),
            inherited: Listeners.Inherit(sibling));

        // The first connection is its share. A later one waits until a tick takes it, and at that moment the siblings get more. While
        // the code is cold, a spare thread may take over the loop and accept before the share is seen, hence several clients.
        var clients = new List<Socket>();
        while (!figures.HasCalled && clients.Count < 20)
        {
            clients.Add(await ConnectAsync(sibling));
            await Wait.UntilAsync(() => app.Pool.Held == clients.Count, $"{clients.Count} are taken");
        }

        await Wait.UntilAsync(() => figures.HasCalled, "it was called back");

        // Only a listener that stands in line looks at its siblings after an accept. A tick may take a client first, hence several.
        var looked = figures.Looks;
        for (var i = 0; i < 50 && figures.Looks == looked; i++)
        {
            clients.Add(await ConnectAsync(sibling));
            await Wait.UntilAsync(() => app.Pool.Held == clients.Count, "the next one is taken");
        }

        await Wait.UntilAsync(() => figures.Looks > looked, "it stands in line");
        clients.ForEach(static client => client.Dispose());
    }

    [Theory]
    [InlineData(GreenTransportBackend.Sockets)]
    [InlineData(GreenTransportBackend.Epoll)]
    public async Task Everything_is_taken_at_once_where_balancing_is_off(GreenTransportBackend backend)
    {
        using var sibling = Listeners.Tcp();
        await using var app = await StartAsync(backend, sibling, balanced: false);
        var clients = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ConnectAsync(sibling)));
        await Wait.UntilAsync(() => app.Pool.Held == 50, "all are taken");
        Array.ForEach(clients, static client => client.Dispose());
    }

    private static Task<TestApp> StartAsync(GreenTransportBackend backend, Socket sibling, bool balanced) => TestApp.StartAsync(
        options => (options.Backend, options.EventLoops, options.BalancedAccept) = (backend, 1, balanced),
        build: static builder => builder.Services.AddSingleton<ISiblings, OneIdleSibling>(),
        inherited: Listeners.Inherit(sibling));

    private static async Task<Socket> ConnectAsync(Socket listener)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync((IPEndPoint)listener.LocalEndPoint!);
        return client;
    }

    private static Socket? TryAccept(Socket listener)
    {
        try
        {
            listener.Blocking = false;
            return listener.Accept();
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.WouldBlock)
        {
            return null;
        }
    }

    private sealed class OneIdleSibling(TransportState transport) : ISiblings
    {
        public event Action? Died
        {
            add { }
            remove { }
        }

        public bool MayExist => true;

        public long Held => transport.Pools.Sum(static pool => pool.Held);

        public SiblingFigures Look() => new(1, 0, 0);

        public void OnAccepted()
        {
        }
    }

    /// <summary>
    /// Siblings without connections, until this process accepts one after learning that it has its share. From then on they have
    /// many, and this process is told at once.
    /// </summary>
    private sealed class SiblingsThatFillUp : ISiblings
    {
        private volatile bool _hasShare;
        private volatile bool _areFull;
        private volatile bool _hasCalled;
        private TransportState? _transport;
        private int _looks;

        public event Action? Died;

        public bool MayExist => true;

        public long Held => _transport!.Pools.Sum(static pool => pool.Held);

        public bool HasCalled => _hasCalled;

        public int Looks => Volatile.Read(ref _looks);

        public SiblingsThatFillUp Of(TransportState transport)
        {
            _transport = transport;
            return this;
        }

        public SiblingFigures Look()
        {
            Interlocked.Increment(ref _looks);
            _hasShare |= Held > 0;
            return new SiblingFigures(3, _areFull ? 1000 : 0, _areFull ? 300 : 0);
        }

        public void OnAccepted()
        {
            if (_hasShare && !_areFull)
            {
                _areFull = true;
                Died?.Invoke();
                _hasCalled = true;
            }
        }
    }
}
