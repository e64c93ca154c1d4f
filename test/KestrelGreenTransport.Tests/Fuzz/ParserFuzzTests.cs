using System.Net;
using System.Text;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Proxying;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Tests.Proxying;

namespace KestrelGreenTransport.Tests.Fuzz;

/// <summary>
/// Random input from other processes: valid texts and records with some bytes changed, cut, duplicated or joined. A parser
/// rejects the input, or reads it as something that round-trips; it throws only the exceptions that it promises.
/// </summary>
public class ParserFuzzTests
{
    private static readonly string[] Texts =
    [
        """{"type":"hello","contractVersion":1,"pid":4121}""", """{"type":"drain","deadlineMs":30000}""", """{"type":"failed","exitCode":4,"message":"cannot \u00e4"}""",
        "3=tcp://127.0.0.1:8080;4=unix:/run/app.sock;5=unix:@name", "tcp://[::1]:8080", "tcp://0.0.0.0:0", "unix:/a;b=c%3B", "1h30m", "00:00:30", "0.5", "250ms", "64 KiB", "2GB", "65536",
        "7", "auto", "unlimited", "true", "0660", "Epoll", "any", "10.0.0.0/8,::1", "0-3,7",
        "PROXY TCP4 203.0.113.7 10.0.0.5 40000 8080\r\n", "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", "PROXY UNKNOWN\r\n", Headers.Magic,
    ];

    [Fact]
    public Task No_bytes_bring_a_parser_down() => FuzzBudget.Of(seconds: 2).RunAsync(atOnce: 1, static seed =>
    {
        var random = new Random(seed);
        var bytes = random.Next(3) == 0 ? Mangled.Of(random, Record(random), Texts) : Mangled.Of(random, Texts);
        return Mangled.CheckAsync(bytes, static some =>
        {
            Read(some);
            return Task.CompletedTask;
        });
    });

    private static void Read(byte[] bytes)
    {
        if (LifelineMessage.TryParse(bytes, out var message))
        {
            Assert.True(LifelineMessage.TryParse(message.ToUtf8(), out var again));
            Assert.Equal(message, again);
        }

        // Also if the bytes are in the middle of something longer.
        var record = new byte[HeartbeatRecord.Size];
        if (HeartbeatFileReader.Parse(bytes.AsSpan(0, Math.Min(bytes.Length, record.Length)), out var beat) == HeartbeatOutcome.Beat)
        {
            Assert.False(beat.IsBeingWritten);
            Assert.InRange(beat.State, WorkerState.Booting, WorkerState.Draining);
            beat.Write(record);
            Assert.Equal(bytes[..record.Length], record);
        }

        if (BoardRecord.TryRead(bytes, out var line))
        {
            Assert.InRange(line.State, WorkerState.Booting, WorkerState.Draining);
            var written = new byte[BoardRecord.Size];
            line.Write(written);
            Assert.True(BoardRecord.TryRead(written, out var again));
            Assert.Equal(line, again);
        }

        foreach (var versions in (GreenTransportProxyProtocol[])[GreenTransportProxyProtocol.V1, GreenTransportProxyProtocol.V2, GreenTransportProxyProtocol.Any])
        {
            var state = ProxyHeaderParser.Read(bytes, versions, out var header, out var problem);
            Assert.True(state != ProxyHeaderState.Malformed || problem.Length > 0);
            Assert.InRange(header.Length, state == ProxyHeaderState.Complete ? 1 : 0, Math.Min(bytes.Length, ProxyHeaderParser.MaxLength));
            Assert.True(header.Values.Length <= header.Length);
        }

        ReadText(Encoding.Latin1.GetString(bytes));
        ReadText(Encoding.UTF8.GetString(bytes));
    }

    private static void ReadText(string text)
    {
        if (ListenEndpoint.TryParse(text, out var endpoint))
        {
            Assert.True(ListenEndpoint.TryParse(endpoint.ToString(), out var again), endpoint.ToString());
            Assert.Equal(endpoint, again);
        }

        if (Duration.TryParse(text, out var duration))
        {
            Assert.True(duration >= TimeSpan.Zero);
            Assert.True(Duration.TryParse(Duration.Format(duration), out var again), Duration.Format(duration));
            Assert.Equal(duration, again);
        }

        if (ByteSize.TryParse(text, out var size))
        {
            Assert.True(size >= 0);
        }

        // In this test, our process id is 7.
        Assert.InRange(SystemdSockets.Count("7", text, 7) ?? 0, 0, 1 << 20);
        foreach (var setting in TransportSettings.All)
        {
            // A value that passes the check can be set; a refusal gives a reason.
            Assert.True(setting.Take(new GreenTransportOptions(), text) is { Length: > 0 } || setting.Take(new GreenTransportOptions(), text, inAnyRange: true) is null);
        }

        Expect(() =>
        {
            var listeners = InheritedListener.Parse(text);
            Assert.Equal(listeners, InheritedListener.Parse(InheritedListener.Format(listeners)));
        });
        foreach (var name in (string[])
            [ContractVariables.Worker, ContractVariables.Generation, ContractVariables.ControlFd, ContractVariables.HeartbeatInterval, ContractVariables.Listen])
        {
            Expect(() => WorkerContract.Read(new WorkerVariables(name, text).Take));
        }
    }

    private static void Expect(Action parse)
    {
        try
        {
            parse();
        }
        catch (FormatException exception)
        {
            // The message names the variable.
            Assert.StartsWith("GREEN_", exception.Message, StringComparison.Ordinal);
        }
    }

    private static byte[] Record(Random random)
    {
        var state = (WorkerState)random.Next(4);
        if (random.Next(3) == 0)
        {
            var end = new IPEndPoint(random.NextInt64(uint.MaxValue), random.Next(IPEndPoint.MaxPort));
            return Headers.V2(end, end, Headers.Value((byte)random.Next(256), new byte[random.Next(8)]));
        }

        if (random.Next(2) == 0)
        {
            var bytes = new byte[HeartbeatRecord.Size];
            new HeartbeatRecord((ulong)random.NextInt64(), random.Next(), random.Next(), random.NextInt64(), state, random.NextInt64(), random.NextInt64()).Write(bytes);
            return bytes;
        }

        var line = new byte[BoardRecord.Size];
        new BoardRecord { WrittenAt = random.NextInt64(), Pid = random.Next(), State = state, Connections = random.Next(), Slots = random.Next() }.Write(line);
        return line;
    }
}
