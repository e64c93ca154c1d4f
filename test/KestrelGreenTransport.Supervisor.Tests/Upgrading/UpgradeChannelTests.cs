using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Upgrading;

namespace KestrelGreenTransport.Supervisor.Tests.Upgrading;

public sealed class UpgradeChannelTests
{
    [Fact]
    public void What_was_said_before_the_other_side_died_is_heard_whatever_it_left_unread()
    {
        var (ours, theirs) = Descriptor.SeqPacketPair();
        using var channel = new UpgradeChannel(ours);
        using (var other = new UpgradeChannel(theirs))
        {
            Assert.Null(channel.Receive(out _));
            Assert.True(channel.Send(UpgradeChannel.Ready).Ok);
            using var self = PidFd.TryOpen(Environment.ProcessId)!;
            Assert.True(other.Send(UpgradeChannel.Leads, self.Number).Ok);
            Assert.True(other.Send(UpgradeChannel.Yours).Ok);
        }

        Assert.Equal(UpgradeChannel.Leads, channel.Receive(out var leader));
        Assert.False(PidFd.HasEnded(leader!));
        leader!.Dispose();
        Assert.Equal(UpgradeChannel.Yours, channel.Receive(out var nothing));
        Assert.Null(nothing);
        Assert.Equal(UpgradeChannel.Ended, channel.Receive(out _));
    }
}
