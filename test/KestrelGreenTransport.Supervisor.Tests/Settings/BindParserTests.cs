using System.Net;
using FsCheck;
using FsCheck.Fluent;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Tests.Settings;

public class BindParserTests
{
    [Theory]
    [InlineData("127.0.0.1:8080", "tcp://127.0.0.1:8080")]
    [InlineData("0.0.0.0:0", "tcp://0.0.0.0:0")]
    [InlineData("[::1]:8080", "tcp://[::1]:8080")]
    [InlineData("[::]:8080", "tcp://[::]:8080")]
    [InlineData(":8080", "tcp://[::]:8080 or 0.0.0.0")]
    [InlineData("*:8080", "tcp://[::]:8080 or 0.0.0.0")]
    [InlineData("http://+:8080", "tcp://[::]:8080 or 0.0.0.0")]
    [InlineData("localhost:8080", "tcp://127.0.0.1:8080 optional, tcp://[::1]:8080 optional")]
    [InlineData("http://LOCALHOST:8080/", "tcp://127.0.0.1:8080 optional, tcp://[::1]:8080 optional")]
    [InlineData("http://127.0.0.1:8080", "tcp://127.0.0.1:8080")]
    [InlineData("http://127.0.0.1", "tcp://127.0.0.1:80")]
    [InlineData("http://[::1]/", "tcp://[::1]:80")]
    [InlineData("tcp://127.0.0.1:8080", "tcp://127.0.0.1:8080")]
    [InlineData("unix:/run/app.sock", "unix:/run/app.sock")]
    [InlineData("unix:///run/app.sock", "unix:/run/app.sock")]
    [InlineData("http://unix:/run/app.sock", "unix:/run/app.sock")]
    [InlineData("unix:app.sock", "unix:/srv/shop/app.sock")]
    [InlineData("unix:../app.sock", "unix:/srv/app.sock")]
    [InlineData("unix:@shop", "unix:@shop")]
    [InlineData("fd://3", "descriptor 3")]
    [InlineData("FD://12", "descriptor 12")]
    [InlineData("systemd", "systemd")]
    public void An_address_is_read_in_every_form_that_people_write(string text, string expected)
    {
        Assert.True(BindParser.TryParse(text, "/srv/shop", out var binds, out _));
        Assert.All(binds, bind => Assert.Equal(text, bind.Text));
        Assert.Equal(expected, string.Join(", ", binds.Select(Show)));
    }

    [Theory]
    [InlineData("8080", "is only a port: write :8080 for every address, 127.0.0.1:8080 for this machine only")]
    [InlineData("127.0.0.1", "has no port: write 127.0.0.1:8000")]
    [InlineData("[::1]", "has no port: write [::1]:8000")]
    [InlineData("localhost", "has no port: write localhost:8000")]
    [InlineData("127.0.0.1:", "must have a port from 0 to 65535")]
    [InlineData("127.0.0.1:65536", "must have a port from 0 to 65535")]
    [InlineData("127.0.0.1:http", "must have a port from 0 to 65535")]
    [InlineData("127.0.0.1:-1", "must have a port from 0 to 65535")]
    [InlineData("::1:8080", "needs brackets around an IPv6 address, as in [::1]:8000")]
    [InlineData("localhost:0", "would get two different ports, one per address of localhost: write 127.0.0.1:0 or [::1]:0")]
    [InlineData("shop.example.org:80", "names the host shop.example.org, but only addresses can be bound: write its IP address, or :80 for every address")]
    [InlineData("127.1:80", "names the host 127.1, but only addresses can be bound: write its IP address, or :80 for every address")]
    [InlineData("010.0.0.1:80", "names the host 010.0.0.1, but only addresses can be bound: write its IP address, or :80 for every address")]
    [InlineData("https://127.0.0.1:8443", "asks for TLS, which is the app's job: configure https://127.0.0.1:8443 under Kestrel:Endpoints and bind 127.0.0.1:8443 here")]
    [InlineData("http://127.0.0.1:8080/shop", "has a path, which belongs in the app (UsePathBase): write http://127.0.0.1:8080")]
    [InlineData("/run/app.sock", "looks like a path: write unix:/run/app.sock for a Unix socket")]
    [InlineData("./app.sock", "looks like a path: write unix:./app.sock for a Unix socket")]
    [InlineData("unix:", "has no path: write unix:/run/app.sock or unix:@name")]
    [InlineData("unix:@", "has no path: write unix:/run/app.sock or unix:@name")]
    [InlineData("unix:/run/a;b", "must not contain ';' or ','")]
    [InlineData("fd://2", "must name a descriptor from 3 on, as in fd://3")]
    [InlineData("fd://x", "must name a descriptor from 3 on, as in fd://3")]
    [InlineData("", "must be host:port, :port, *:port, [::1]:port, unix:path, unix:@abstract, fd://N, systemd or http://host:port")]
    [InlineData("ftp://127.0.0.1:21", "must be host:port, :port, *:port, [::1]:port, unix:path, unix:@abstract, fd://N, systemd or http://host:port")]
    public void A_wrong_address_is_refused_with_the_way_out(string text, string expected) => Assert.Equal(expected, BindParser.Check(text));

    [Fact]
    public void Blanks_around_an_address_are_no_part_of_it()
    {
        Assert.True(BindParser.TryParse(" unix:/run/app.sock ", "/", out var binds, out _));
        Assert.Equal("unix:/run/app.sock", Show(Assert.Single(binds)));
    }

    [Fact]
    public void A_Unix_path_is_measured_in_bytes_once_it_is_absolute()
    {
        Assert.Null(BindParser.Check("unix:/" + new string('x', 106)));
        Assert.Equal("is longer than the kernel's limit of 107 bytes for a Unix socket", BindParser.Check("unix:/" + new string('x', 107)));
        Assert.NotNull(BindParser.Check("unix:/" + new string('ü', 54)));
    }

    [Fact]
    public void Any_address_and_port_reads_back()
    {
        var addresses = Gen.OneOf(
            Gen.ArrayOf(ArbMap.Default.GeneratorFor<byte>(), 4).Select(static bytes => new IPAddress(bytes)),
            Gen.ArrayOf(ArbMap.Default.GeneratorFor<byte>(), 16).Select(static bytes => new IPAddress(bytes)));
        var endpoints = addresses.SelectMany(static address => Gen.Choose(0, 65535).Select(port => new IPEndPoint(address, port)));

        Prop.ForAll(endpoints.ToArbitrary(), static endpoint =>
            BindParser.TryParse(endpoint.ToString(), "/", out var binds, out _)
            && binds is [BindEndpoint { Optional: false, DualStackFallback: false } bind]
            && endpoint.Equals(bind.Endpoint.IP)
            && BindParser.TryParse(bind.Endpoint.ToString(), "/", out var again, out _)
            && again is [BindEndpoint { Endpoint: var same }]
            && same == bind.Endpoint).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void No_text_at_all_makes_the_parser_throw_and_what_it_takes_the_worker_contract_can_carry() =>
        Prop.ForAll<NonNull<string>>(static text =>
        {
            if (!BindParser.TryParse(text.Get, "/", out var binds, out var error))
            {
                return error.Length > 0;
            }

            return binds.OfType<BindEndpoint>().All(static bind =>
                InheritedListener.Parse(InheritedListener.Format([new InheritedListener(7, bind.Endpoint)]))[0].Endpoint == bind.Endpoint);
        }).QuickCheckThrowOnFailure();

    private static string Show(BindSpec bind) => bind switch
    {
        BindEndpoint endpoint => $"{endpoint.Endpoint}{(endpoint.DualStackFallback ? " or 0.0.0.0" : "")}{(endpoint.Optional ? " optional" : "")}",
        BindDescriptor descriptor => $"descriptor {descriptor.Descriptor}",
        _ => "systemd",
    };
}
