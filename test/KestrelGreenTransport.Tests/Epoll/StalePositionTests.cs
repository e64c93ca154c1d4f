using System.Buffers;
using System.Net.Sockets;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>A block has one owner, whatever positions an app passes back.</summary>
public class StalePositionTests
{
    private const int Length = 20_000;

    public static TheoryData<ServedBy> ByEpoll => [ServedBy.EpollAdaptive, ServedBy.EpollInline, ServedBy.EpollThreadPool];

    [Theory]
    [MemberData(nameof(ByEpoll))]
    public async Task A_position_of_another_connection_is_refused_and_no_block_is_shared(ServedBy by)
    {
        var positions = new TaskCompletionSource<SequencePosition>();
        var isRefused = new TaskCompletionSource();
        var isChecked = new TaskCompletionSource();
        var filled = new TaskCompletionSource();
        await using var app = await ServedApp.RunAsync(
            by,
            async connection =>
            {
                var input = connection.Transport.Input;
                var result = await input.ReadAtLeastAsync(Length);
                if (result.Buffer.FirstSpan[0] == 'a')
                {
                    var stale = await positions.Task;
                    var exception = Record.Exception(() =>
                    {
                        Assert.Throws<InvalidOperationException>(() => input.AdvanceTo(stale));
                        Assert.Throws<InvalidOperationException>(() => input.AdvanceTo(result.Buffer.Start, stale));
                        Assert.Throws<InvalidOperationException>(() => input.AdvanceTo(stale, result.Buffer.End));
                    });
                    if (exception is not null)
                    {
                        isRefused.SetException(exception);
                        return;
                    }

                    isRefused.SetResult();
                    await filled.Task;
                    isChecked.SetResult();
                    Assert.True(result.Buffer.ToArray().AsSpan().IndexOfAnyExcept((byte)'a') < 0, "Another client's bytes are among these.");
                    input.AdvanceTo(result.Buffer.End);
                    await connection.Transport.Output.WriteAsync("mine");
                    return;
                }

                positions.TrySetResult(result.Buffer.GetPosition(1));
                await isRefused.Task;
                await connection.Transport.Output.WriteAsync("held");
                await isChecked.Task;
                Assert.True(result.Buffer.ToArray().AsSpan().IndexOfAnyExcept((byte)'b') < 0, "Another client's bytes are among these.");
                input.AdvanceTo(result.Buffer.End);
                await connection.Transport.Output.WriteAsync("mine");
            },
            static options => options.EventLoops = 1);
        using var first = await app.ConnectAsync();
        await first.SendAsync(new string('a', Length));
        using var second = await app.ConnectAsync();
        await second.SendAsync(new string('b', Length));
        await Wait.ForAsync(isRefused.Task);

        // They would receive into a block that was returned by mistake.
        var others = new List<Socket>();
        for (var i = 0; i < 4; i++)
        {
            var other = await app.ConnectAsync();
            others.Add(other);
            await other.SendAsync(new string('b', Length));
            await other.ExpectAsync("held");
        }

        filled.SetResult();
        Assert.Equal("mine", await first.ReceiveAllAsync());
        foreach (var one in (Socket[])[second, .. others])
        {
            Assert.EndsWith("mine", await one.ReceiveAllAsync(), StringComparison.Ordinal);
            one.Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(ByEpoll))]
    public async Task A_position_of_an_earlier_read_is_refused_and_the_right_one_is_taken_after_it(ServedBy by)
    {
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var input = connection.Transport.Input;
            var first = await input.ReadAtLeastAsync(10);
            var early = first.Buffer.GetPosition(2);
            input.AdvanceTo(first.Buffer.GetPosition(5));
            var second = await input.ReadAsync();
            var exception = Record.Exception(() =>
            {
                Assert.Equal(5, second.Buffer.Length);
                Assert.Throws<InvalidOperationException>(() => input.AdvanceTo(early));
                input.AdvanceTo(second.Buffer.End);
                Assert.Throws<InvalidOperationException>(() => input.AdvanceTo(second.Buffer.End));
            });
            await connection.Transport.Output.WriteAsync(exception?.ToString() ?? "right");
        });
        using var client = await app.ConnectAsync();
        await client.SendAsync("0123456789");
        Assert.Equal("right", await client.ReceiveAllAsync());
    }
}
