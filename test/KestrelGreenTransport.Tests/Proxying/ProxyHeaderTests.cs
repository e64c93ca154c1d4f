using System.Net;
using System.Net.Sockets;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using KestrelGreenTransport.Proxying;
using static KestrelGreenTransport.GreenTransportProxyProtocol;

namespace KestrelGreenTransport.Tests.Proxying;

public class ProxyHeaderTests
{
    private static readonly IPEndPoint Client = new(IPAddress.Parse("192.0.2.7"), 56324);
    private static readonly IPEndPoint Server = new(IPAddress.Parse("198.51.100.1"), 443);

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443", "192.0.2.7:56324", "198.51.100.1:443")]
    [InlineData("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535", "0.0.0.0:0", "255.255.255.255:65535")]
    [InlineData("PROXY TCP6 2001:db8::7 ::1 1 2", "[2001:db8::7]:1", "[::1]:2")]
    [InlineData("PROXY TCP6 ::ffff:192.0.2.7 FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF 65535 65535", "[::ffff:192.0.2.7]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")]
    [InlineData("PROXY UNKNOWN", "", "")]
    [InlineData("PROXY UNKNOWN whatever stands here 1 2", "", "")]
    public void A_line_tells_both_ends(string line, string source, string destination)
    {
        var header = Complete([.. Headers.V1(line), .. "GET /"u8], V1);
        Assert.Equal((1, line.Length + 2), (header.Version, header.Length));
        Assert.Equal((source, destination), ($"{header.Source}", $"{header.Destination}"));
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 56324")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 ")]
    [InlineData("PROXY TCP4  192.0.2.7 198.51.100.1 56324 443")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 56324 65536")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 056324 443")]
    [InlineData("PROXY TCP4 192.0.2.7 198.51.100.1 -1 443")]
    [InlineData("PROXY TCP4 192.0.2.07 198.51.100.1 1 2")]
    [InlineData("PROXY TCP4 192.0.2.256 198.51.100.1 1 2")]
    [InlineData("PROXY TCP4 192.0.2 198.51.100.1 1 2")]
    [InlineData("PROXY TCP4 0x7f.0.0.1 198.51.100.1 1 2")]
    [InlineData("PROXY TCP4 ::1 ::1 1 2")]
    [InlineData("PROXY TCP6 192.0.2.7 ::1 1 2")]
    [InlineData("PROXY TCP6 fe80::1%1 ::1 1 2")]
    [InlineData("PROXY TCP6 [::1] ::1 1 2")]
    [InlineData("PROXY TCP6 1::2::3 ::1 1 2")]
    [InlineData("PROXY TCP 192.0.2.7 198.51.100.1 1 2")]
    [InlineData("PROXY unknown")]
    [InlineData("PROXY ")]
    public void A_line_that_readers_could_take_in_two_ways_is_refused(string line) => Malformed(Headers.V1(line), Any);

    [Fact]
    public void Bytes_that_cannot_become_a_header_are_refused_at_once()
    {
        Malformed("G"u8.ToArray(), Any);
        Malformed("PROXZ"u8.ToArray(), Any);
        Malformed([0x16, 3, 1], Any);
        Malformed("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n"u8.ToArray(), Any);
        Malformed(Encoding.ASCII.GetBytes("PROXY UNKNOWN " + new string('x', 107)), Any);
        Malformed(Headers.V2(Client, Server), V1);
        Malformed(Headers.V1("PROXY UNKNOWN"), V2);
        Malformed([.. Encoding.Latin1.GetBytes(Headers.Magic), 0x21, 0x11, 0xFF, 0xFF], Any);
    }

    [Theory]
    [InlineData(0x11, 0x11)]
    [InlineData(0x31, 0x11)]
    [InlineData(0x22, 0x11)]
    [InlineData(0x21, 0x41)]
    [InlineData(0x21, 0x13)]
    public void What_the_protocol_reserves_is_refused(byte command, byte family) => Malformed(Headers.V2(command, family, new byte[300]), Any);

    [Theory]
    [InlineData(0x20, 0x11)]
    [InlineData(0x20, 0x00)]
    [InlineData(0x21, 0x00)]
    [InlineData(0x21, 0x12)]
    public void A_proxys_own_check_and_what_is_no_TCP_leave_the_ends_as_they_are(byte command, byte family)
    {
        var header = Complete(Headers.V2(command, family, new byte[50]), V2);
        Assert.Equal((null, null, 66), (header.Source, header.Destination, header.Length));
    }

    [Fact]
    public void A_proxy_on_a_Unix_socket_tells_paths()
    {
        byte[] Field(string path) => [.. Encoding.UTF8.GetBytes(path), .. new byte[108 - Encoding.UTF8.GetByteCount(path)]];

        var header = Complete(Headers.V2(0x21, 0x31, [.. Field("/run/client"), .. Field("\0name")]), Any);
        Assert.Equal((new UnixDomainSocketEndPoint("/run/client"), new UnixDomainSocketEndPoint("\0name")), (header.Source, header.Destination));
        Assert.Null(Complete(Headers.V2(0x21, 0x31, new byte[216]), Any).Source);
        Assert.Null(Complete(Headers.V2(0x21, 0x31, [.. Enumerable.Repeat((byte)0xFF, 216)]), Any).Source);
    }

    [Fact]
    public void Added_values_are_found_and_a_checksum_is_checked()
    {
        byte[] values = [.. Headers.Value(0x02, "shop"u8.ToArray()), .. Headers.Value(0xEA), .. Headers.Value(0x03, 0, 0, 0, 0)];
        var whole = Headers.Summed(Headers.V2(Client, Server, values));
        var connection = new ProxiedConnection(Complete(whole, V2), null, null);
        Assert.True(connection.TryGetValue(0x02, out var name));
        Assert.Equal("shop"u8.ToArray(), name.ToArray());
        Assert.True(connection.TryGetValue(0xEA, out var empty));
        Assert.True(empty.IsEmpty);
        Assert.False(connection.TryGetValue(0x04, out _));

        for (var i = 16; i < whole.Length; i++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[i] ^= 1;
            Assert.NotEqual(Outcome(whole), Outcome(damaged));
        }

        Malformed(Headers.V2(Client, Server, 0x02, 0, 5, 1), Any);
        Malformed(Headers.V2(0x21, 0x11, new byte[11]), Any);

        static string Outcome(byte[] bytes) => $"{ProxyHeaderParser.Read(bytes, V2, out var header, out _)} {Convert.ToHexString(header.Values.Span)}";
    }

    [Fact]
    public void Every_header_reads_back_as_it_was_written_and_no_part_of_it_does() => Hold(Written(), written =>
    {
        var (bytes, source, destination) = written;
        var header = Complete([.. bytes, .. "GET / HTTP/1.1"u8], Any);
        Assert.Equal((bytes.Length, source, destination), (header.Length, header.Source, header.Destination));
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Equal(ProxyHeaderState.Incomplete, ProxyHeaderParser.Read(bytes.AsSpan(0, length), Any, out _, out _));
        }
    });

    [Fact]
    public void Whatever_comes_is_taken_refused_or_waited_for_and_more_bytes_never_turn_a_verdict() => Hold(
        Written().SelectMany(_ => Gen.Choose(0, 200), static (written, at) => (written.Bytes, At: at)).SelectMany(_ => Gen.Choose(0, 255), static (pair, value) => (pair.Bytes, pair.At, value)),
        damage =>
        {
            byte[] bytes = [.. damage.Bytes, .. "GET / HTTP/1.1\r\n\r\n"u8];
            bytes[damage.At % bytes.Length] = (byte)damage.value;
            var verdict = ProxyHeaderState.Incomplete;
            for (var length = 0; length <= bytes.Length; length++)
            {
                var next = ProxyHeaderParser.Read(bytes.AsSpan(0, length), Any, out var header, out _);
                Assert.True(verdict == ProxyHeaderState.Incomplete || next == verdict, $"{verdict} became {next} at byte {length}");
                Assert.InRange(header.Length, 0, length);
                verdict = next;
            }
        });

    private static Gen<(byte[] Bytes, IPEndPoint Source, IPEndPoint Destination)> Written() =>
        Gen.Elements(4, 16).SelectMany(
            static size => Gen.ArrayOf(Gen.Choose(0, 255), (2 * size) + 4 + 1 + 9),
            static (size, random) =>
            {
                byte[] bytes = [.. random.Select(static one => (byte)one)];
                var source = new IPEndPoint(new IPAddress(bytes[..size]), (bytes[^1] << 8) | bytes[^2]);
                var destination = new IPEndPoint(new IPAddress(bytes[size..(2 * size)]), (bytes[^3] << 8) | bytes[^4]);
                var line = $"PROXY TCP{(size == 4 ? 4 : 6)} {source.Address} {destination.Address} {source.Port} {destination.Port}";
                return (bytes[^5] % 2 == 0 ? Headers.V1(line) : Headers.V2(source, destination, Headers.Value(0xE0, bytes[^9..])), source, destination);
            });

    private static ProxyHeader Complete(byte[] bytes, GreenTransportProxyProtocol versions)
    {
        var state = ProxyHeaderParser.Read(bytes, versions, out var header, out var problem);
        Assert.Equal((ProxyHeaderState.Complete, ""), (state, problem));
        return header;
    }

    private static void Malformed(byte[] bytes, GreenTransportProxyProtocol versions)
    {
        Assert.Equal(ProxyHeaderState.Malformed, ProxyHeaderParser.Read(bytes, versions, out _, out var problem));
        Assert.NotEmpty(problem);
    }

    private static void Hold<T>(Gen<T> generator, Action<T> claim) =>
        Prop.ForAll(generator.ToArbitrary(), claim).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
}
