using System.Net;
using KestrelGreenTransport.Binding;

namespace KestrelGreenTransport.Tests.Binding;

public sealed class EndpointChoiceTests
{
    private static readonly IPEndPoint Elsewhere = new(IPAddress.Loopback, 1);

    [Fact]
    public void A_bind_replaces_endpoints_of_the_app_that_are_all_elsewhere()
    {
        using var bound = Listeners.Tcp();
        var choice = EndpointChoice.Of([Elsewhere], ["http://*:2"], [], Listeners.Inherit(bound));

        Assert.Equal([$"http://{bound.LocalEndPoint}"], choice.Urls!);
        Assert.True(choice.OverrideApp);
    }

    [Fact]
    public void A_bind_that_names_an_endpoint_of_the_app_leaves_it_the_app_with_its_TLS()
    {
        using var bound = Listeners.Tcp();

        Assert.Null(EndpointChoice.Of([bound.LocalEndPoint!], [], [], Listeners.Inherit(bound)).Urls);
        Assert.Null(EndpointChoice.Of([bound.LocalEndPoint!, Elsewhere], [], [], Listeners.Inherit(bound)).Urls);
    }

    [Fact]
    public void Sockets_of_systemd_without_a_supervisor_replace_urls_but_no_endpoints()
    {
        using var bound = Listeners.Tcp();
        var systemd = new InheritedSockets([InheritedSocket.AdoptFromSystemd(Listeners.Duplicate(bound))!], isWorker: false);

        Assert.Null(EndpointChoice.Of([Elsewhere], [], [], systemd).Urls);
        Assert.Equal([$"http://{bound.LocalEndPoint}"], EndpointChoice.Of([], ["http://*:2"], [], systemd).Urls!);
    }

    [Fact]
    public void With_a_broker_the_app_is_asked_and_the_default_is_gunicorns()
    {
        var broker = new InheritedSockets([], isWorker: true, hasBroker: true);

        Assert.Null(EndpointChoice.Of([Elsewhere], [], [], broker).Urls);
        Assert.Null(EndpointChoice.Of([], ["https://*:2"], [], broker).Urls);
        Assert.Equal(["http://127.0.0.1:8000"], EndpointChoice.Of([], [], [], broker).Urls!);
    }

    [Fact]
    public void Ports_of_an_image_give_way_to_what_was_inherited_as_urls_do()
    {
        using var bound = Listeners.Tcp();

        Assert.Equal([$"http://{bound.LocalEndPoint}"], EndpointChoice.Of([], [], ["http://*:8080"], Listeners.Inherit(bound)).Urls!);
        Assert.Null(EndpointChoice.Of([], [], ["http://*:8080"], new InheritedSockets([], isWorker: true, hasBroker: true)).Urls);
    }

    [Fact]
    public void Of_several_hosts_none_gets_the_address_of_another_for_one_that_it_names()
    {
        using var bound = Listeners.Tcp();
        var inherited = Listeners.Inherit(bound);
        inherited.Claims.Expect();
        inherited.Claims.Expect();

        Assert.Null(EndpointChoice.Of([Elsewhere], [], [], inherited).Urls);
        Assert.Null(EndpointChoice.Of([], ["http://127.0.0.1:9000"], [], inherited).Urls);
        Assert.Equal([$"http://{bound.LocalEndPoint}"], EndpointChoice.Of([], [], ["http://*:8080"], inherited).Urls!);
    }

    [Fact]
    public void A_host_that_names_nothing_gets_what_no_other_one_serves()
    {
        using var mine = Listeners.Tcp();
        using var others = Listeners.Tcp();
        var inherited = Listeners.Inherit(mine, others);
        Assert.True(inherited.Claims.TryClaim($"tcp://{others.LocalEndPoint}", new object()));

        Assert.Equal([$"http://{mine.LocalEndPoint}"], EndpointChoice.Of([], [], [], inherited).Urls!);
    }
}
