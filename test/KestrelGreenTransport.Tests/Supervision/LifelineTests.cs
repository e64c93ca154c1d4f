using FsCheck;
using FsCheck.Fluent;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervision;

namespace KestrelGreenTransport.Tests.Supervision;

public sealed class LifelineTests : IDisposable
{
    private readonly TestLifeline _supervisor = new();
    private readonly ListLogger _log = new();
    private readonly List<LifelineMessage> _received = [];
    private readonly Lifeline _lifeline;

    public LifelineTests() => _lifeline = new Lifeline(_supervisor.Adopt(), _log);

    public void Dispose() => _supervisor.Dispose();

    [Fact]
    public void An_adopted_lifeline_is_kept_from_children_and_does_not_block()
    {
        Assert.Equal(Libc.FD_CLOEXEC, Libc.fcntl(_supervisor.WorkersDescriptor, Libc.F_GETFD, 0));
        Assert.NotEqual(0, Libc.fcntl(_supervisor.WorkersDescriptor, Libc.F_GETFL, 0) & Libc.O_NONBLOCK);
    }

    [Fact]
    public void A_descriptor_that_is_no_lifeline_is_refused_and_left_alone()
    {
        using var file = File.OpenHandle("/proc/self/stat");
        var number = (int)file.DangerousGetHandle();
        var flags = Libc.fcntl(number, Libc.F_GETFL, 0);
        Assert.False(LifelineSocket.TryAdopt(number, out _, out var problem));
        Assert.NotEmpty(problem);
        Assert.Equal(flags, Libc.fcntl(number, Libc.F_GETFL, 0));
        Assert.False(LifelineSocket.TryAdopt(1_000_000, out _, out _));

        using var stream = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        Assert.False(LifelineSocket.TryAdopt((int)stream.Handle, out _, out problem));
        Assert.Contains("SOCK_SEQPACKET", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void The_worker_says_hello_ready_and_failed_in_the_words_of_the_contract()
    {
        _lifeline.SendHello(77);
        _lifeline.SendReady();
        _lifeline.SendFailed(4, "no endpoint");
        Assert.Equal(new LifelineMessage { Type = "hello", ContractVersion = 1, Pid = 77 }, _supervisor.TryReceive());
        Assert.Equal(new LifelineMessage { Type = "ready" }, _supervisor.TryReceive());
        Assert.Equal(new LifelineMessage { Type = "failed", ExitCode = 4, Message = "no endpoint" }, _supervisor.TryReceive());
    }

    [Fact]
    public void A_full_socket_drops_what_can_be_missed_and_keeps_the_rest_in_order()
    {
        var room = 0;
        while (_lifeline.TrySend(Note(room)))
        {
            room++;
        }

        Assert.True(room > 0);
        _lifeline.SendHello(77);
        _lifeline.SendReady();
        Assert.True(_lifeline.HasUnsent);
        Assert.False(_lifeline.Flush());
        Assert.False(_lifeline.TrySend(Note(-1)));

        for (var i = 0; i < room; i++)
        {
            Assert.Equal(Note(i), _supervisor.TryReceive());
        }

        Assert.True(_lifeline.Flush());
        Assert.False(_lifeline.HasUnsent);
        Assert.Equal("hello", _supervisor.TryReceive()?.Type);
        Assert.Equal("ready", _supervisor.TryReceive()?.Type);
        Assert.Null(_supervisor.TryReceive());
    }

    [Fact]
    public async Task Last_words_wait_for_room()
    {
        while (_lifeline.TrySend(Note(0)))
        {
        }

        var failing = Task.Factory.StartNew(() => _lifeline.SendFailed(4, "no endpoint"), TaskCreationOptions.LongRunning);
        await Wait.UntilAsync(HasReceivedFailed, "the final message");
        await failing;
    }

    // Reads all waiting messages each time: one per look would make the worker wait longer than it is willing to.
    private bool HasReceivedFailed()
    {
        while (_supervisor.TryReceive() is { } message)
        {
            if (message.Type == "failed")
            {
                return true;
            }
        }

        return false;
    }

    [Fact]
    public void Last_words_to_nobody_do_not_keep_a_dying_worker()
    {
        _supervisor.HangUp();
        _lifeline.SendFailed(4, "no endpoint");
        Assert.False(_lifeline.HasUnsent);
        Assert.Empty(_log.Ids);
    }

    [Fact]
    public void Last_words_of_any_length_fit_into_a_packet()
    {
        _lifeline.SendFailed(4, new string('\u0001', 1_000_000));
        var message = _supervisor.TryReceive();
        Assert.Equal("failed", message?.Type);
        Assert.True(message!.ToUtf8().Length <= LifelineMessage.MaxSize);
    }

    [Fact]
    public void Garbage_unknown_and_oversized_packets_are_skipped()
    {
        _supervisor.Send("");
        _supervisor.Send("null");
        _supervisor.Send("{");
        _supervisor.Send([0xFF, 0xFE, 0x00]);
        _supervisor.Send("{\"deadlineMs\":1}");
        _supervisor.Send("{\"type\":\"drain\",\"deadlineMs\":\"soon\"}");
        _supervisor.Send(Encoded($"{{\"type\":\"drain\",\"message\":\"{new string('x', LifelineMessage.MaxSize)}\"}}"));
        _supervisor.Send("{\"type\":\"sing\",\"song\":[1,2]}");
        _supervisor.Send("{\"type\":\"drain\",\"deadlineMs\":1500,\"news\":{}}");

        // An empty packet ends a round, since it could have been the end of the stream.
        Assert.True(Receive());
        Assert.True(Receive());
        Assert.Equal(["sing", "drain"], _received.Select(message => message.Type));
        Assert.Equal(1500, _received[^1].DeadlineMs);
    }

    [Fact]
    public void What_was_sent_before_the_supervisor_died_still_counts()
    {
        _supervisor.Send("{\"type\":\"drain\",\"deadlineMs\":1500}");
        _supervisor.HangUp();
        Assert.False(Receive());
        Assert.Equal("drain", Assert.Single(_received).Type);
        Assert.Equal(-1, _lifeline.Descriptor);
    }

    [Fact]
    public void A_supervisor_that_dies_without_reading_is_noticed()
    {
        _lifeline.SendHello(77);
        _supervisor.HangUp();
        Assert.False(Receive());
    }

    [Fact]
    public void Any_bytes_are_a_message_or_none() => Check.QuickThrowOnFailure(Prop.ForAll<byte[]>(bytes =>
        LifelineMessage.TryParse(bytes, out var message) == message is not null));

    [Fact]
    public void Any_damage_to_a_message_is_survived() => Check.QuickThrowOnFailure(Prop.ForAll<byte, byte, byte>((place, value, cut) =>
    {
        var bytes = new LifelineMessage { Type = "drain", DeadlineMs = 5, Message = "text \u00e9 \ud83d\ude00" }.ToUtf8();
        bytes[place % bytes.Length] = value;
        return LifelineMessage.TryParse(bytes.AsSpan(0, bytes.Length - (cut % 3)), out var message) == message is not null;
    }));

    private static LifelineMessage Note(int number) => new() { Type = "note", Pid = number, Message = new string('x', 1_000) };

    private static byte[] Encoded(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private unsafe bool Receive()
    {
        var poll = new Libc.PollFd { fd = _lifeline.Descriptor, events = Libc.POLLIN | Libc.POLLRDHUP };
        Assert.Equal(1, Libc.poll(&poll, 1, 0));
        return _lifeline.Receive(poll.revents, _received.Add);
    }
}
