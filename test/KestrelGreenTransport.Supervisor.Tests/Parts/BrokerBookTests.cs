using System.Net;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Parts;

namespace KestrelGreenTransport.Supervisor.Tests.Parts;

public sealed class BrokerBookTests
{
    private static readonly ListenEndpoint Web = ListenEndpoint.Tcp(new IPEndPoint(IPAddress.Loopback, 8080));
    private static readonly ListenEndpoint AnyPort = ListenEndpoint.Tcp(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly BrokerBook<string> _book = new();

    [Fact]
    public void An_endpoint_is_bound_once_and_all_who_asked_meanwhile_are_answered()
    {
        var first = _book.Ask(new Question(1, 1), Web);
        var second = _book.Ask(new Question(2, 1), Web);

        Assert.True(first.BindNow);
        Assert.False(second.BindNow);
        Assert.Equal([new Question(1, 1), new Question(2, 1)], _book.Succeeded(first.Key, "web"));
        Assert.Equal("web", _book.Ask(new Question(3, 1), Web).Socket);
    }

    [Fact]
    public void A_failure_is_told_to_all_who_wait_and_the_next_question_tries_again()
    {
        var first = _book.Ask(new Question(1, 1), Web);
        _book.Ask(new Question(2, 1), Web);

        Assert.Equal(2, _book.Failed(first.Key).Count);
        Assert.True(_book.Ask(new Question(1, 2), Web).BindNow);
    }

    [Fact]
    public void Each_of_two_free_ports_is_the_same_for_every_worker()
    {
        Bind(1, AnyPort, "first");
        Bind(1, AnyPort, "second");

        Assert.Equal("first", _book.Ask(new Question(2, 1), AnyPort).Socket);
        Assert.Equal("second", _book.Ask(new Question(2, 2), AnyPort).Socket);
        Assert.True(_book.Ask(new Question(2, 3), AnyPort).BindNow);
    }

    [Fact]
    public void The_socket_of_a_lone_worker_that_died_is_kept_for_the_next_one()
    {
        Bind(1, Web, "web");
        _book.Gone(1);

        Assert.Empty(_book.TakeUnused([]));
        Assert.Equal("web", _book.Ask(new Question(2, 1), Web).Socket);
    }

    [Fact]
    public void What_the_new_generation_does_not_ask_for_is_closed_when_the_old_one_is_gone()
    {
        Bind(1, Web, "web");
        Bind(2, AnyPort, "other");

        Assert.Empty(_book.TakeUnused([1, 2]));
        _book.Gone(1);
        Assert.Equal(["web"], _book.TakeUnused([2]));
        Assert.Empty(_book.TakeUnused([2]));
        Assert.True(_book.Ask(new Question(2, 9), Web).BindNow);
    }

    [Fact]
    public void A_dead_worker_is_not_answered_and_its_endpoint_is_bound_all_the_same()
    {
        var asked = _book.Ask(new Question(1, 1), Web);
        _book.Gone(1);

        Assert.Empty(_book.TakeUnused([2]));
        Assert.Empty(_book.Succeeded(asked.Key, "web"));
        Assert.Equal("web", _book.Ask(new Question(2, 1), Web).Socket);
    }

    private void Bind(int pid, ListenEndpoint endpoint, string socket) => _book.Succeeded(_book.Ask(new Question(pid, 1), endpoint).Key, socket);
}
