using System.Net;
using System.Net.Sockets;
using FsCheck;
using FsCheck.Fluent;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Tests.Contract;

public class ContractPropertyTests
{
    [Fact]
    public void Every_endpoint_reads_back_as_it_was_written() => Hold(Endpoints(), endpoint =>
    {
        Assert.True(ListenEndpoint.TryParse(endpoint.ToString(), out var read));
        Assert.Equal(endpoint, read);
        Assert.Equal(endpoint, ListenEndpoint.Of(endpoint.ToEndPoint()));
    });

    [Fact]
    public void Every_endpoint_covers_itself_and_a_wildcard_covers_its_port() => Hold(Endpoints(), endpoint =>
    {
        var asked = endpoint.ToEndPoint();
        Assert.True(endpoint.Equals(asked));
        Assert.True(endpoint.Covers(asked));
        if (endpoint.IP is { } ip)
        {
            Assert.True(ListenEndpoint.Tcp(new IPEndPoint(IPAddress.IPv6Any, ip.Port)).Covers(asked));
            Assert.Equal(ip.AddressFamily == AddressFamily.InterNetwork, ListenEndpoint.Tcp(new IPEndPoint(IPAddress.Any, ip.Port)).Covers(asked));
            Assert.False(ListenEndpoint.Tcp(new IPEndPoint(IPAddress.IPv6Any, ip.Port ^ 1)).Covers(asked));
        }
    });

    [Fact]
    public void Every_list_of_inherited_listeners_reads_back_as_it_was_written()
    {
        var listeners = Gen.ArrayOf(Gen.Choose(3, 1000).SelectMany(_ => Endpoints(), (descriptor, endpoint) => new InheritedListener(descriptor, endpoint)));
        Hold(listeners, written => Assert.Equal(written, InheritedListener.Parse(InheritedListener.Format(written))));
    }

    [Theory]
    [InlineData("3")]
    [InlineData("=tcp://127.0.0.1:80")]
    [InlineData("3=tcp://127.0.0.1")]
    [InlineData("-3=tcp://127.0.0.1:80")]
    [InlineData("3=http://127.0.0.1:80")]
    [InlineData("3=unix:")]
    [InlineData("3=tcp://127.0.0.1:80;four=unix:/a")]
    public void A_malformed_list_is_refused_with_the_entry_and_an_example(string text)
    {
        var error = Assert.Throws<FormatException>(() => InheritedListener.Parse(text));
        Assert.StartsWith("GREEN_LISTEN: '", error.Message, StringComparison.Ordinal);
        Assert.Contains("3=tcp://0.0.0.0:8080", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_duration_reads_back_as_it_was_written()
    {
        // To a tenth of a microsecond, the length of a tick.
        var durations = Gen.Choose(0, int.MaxValue).SelectMany(_ => Gen.Choose(0, 40_000), (low, high) => TimeSpan.FromTicks(((long)high << 31) | (long)low));
        Hold(durations, written =>
        {
            Assert.True(Duration.TryParse(Duration.Format(written), out var read), Duration.Format(written));
            Assert.Equal(written, read);
        });
    }

    [Theory]
    [InlineData("30", 30_000)]
    [InlineData("0.5", 500)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("2d", 172_800_000)]
    [InlineData("1m0.25s", 60_250)]
    [InlineData("250ms", 250)]
    [InlineData("00:00:30", 30_000)]
    [InlineData("1.00:00:00", 86_400_000)]
    [InlineData("7588583d23h27m36s", 655_653_655_656_000)]
    public void A_duration_can_be_written_in_several_ways(string text, double milliseconds)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("-00:00:01")]
    [InlineData("1x")]
    [InlineData("1s2")]
    [InlineData("1e400d")]
    [InlineData("99999999999d")]
    public void What_is_no_duration_is_refused(string text) => Assert.False(Duration.TryParse(text, out _));

    [Fact]
    public void No_text_makes_a_parser_throw_anything_but_what_it_says() => Hold(Gen.ArrayOf(Gen.Elements("tcp://[]:0123456789.unix:@/=;%dhms".ToCharArray())), letters =>
    {
        var text = new string(letters);
        _ = ListenEndpoint.TryParse(text, out _);
        _ = Duration.TryParse(text, out _);
        _ = ByteSize.TryParse(text, out _);
        try
        {
            InheritedListener.Parse(text);
        }
        catch (FormatException)
        {
            // As documented.
        }
    });

    [Theory]
    [InlineData("65536", 65_536)]
    [InlineData("64KB", 65_536)]
    [InlineData("64 KiB", 65_536)]
    [InlineData("1m", 1_048_576)]
    [InlineData("2GB", 2_147_483_648)]
    public void A_size_can_be_written_in_several_ways(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var size));
        Assert.Equal(bytes, size);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1.5MB")]
    [InlineData("KB")]
    [InlineData("9223372036854775807GB")]
    public void What_is_no_size_is_refused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    private static Gen<ListenEndpoint> Endpoints()
    {
        var ports = Gen.Choose(0, 65_535);
        var four = Gen.ArrayOf(Gen.Choose(0, 255), 4).SelectMany(_ => ports, static (bytes, port) => Tcp(bytes, port));
        var six = Gen.ArrayOf(Gen.Choose(0, 255), 16).SelectMany(_ => ports, static (bytes, port) => Tcp(bytes, port));
        var letters = Gen.ArrayOf(Gen.Elements("abz019-_./ :@=%".ToCharArray()), 12);
        var path = letters.Select(static name => ListenEndpoint.Unix($"/{new string(name)}x"));
        var hidden = letters.Select(static name => ListenEndpoint.Unix($"@x{new string(name)}x"));
        return Gen.OneOf(four, six, path, hidden);

        static ListenEndpoint Tcp(int[] bytes, int port) =>
            ListenEndpoint.Tcp(new IPEndPoint(new IPAddress([.. bytes.Select(static one => (byte)one)]), port));
    }

    private static void Hold<T>(Gen<T> generator, Action<T> claim) =>
        Prop.ForAll(generator.ToArbitrary(), claim).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
}
