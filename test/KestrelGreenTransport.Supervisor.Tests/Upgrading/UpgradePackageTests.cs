using KestrelGreenTransport.Supervisor.Upgrading;

namespace KestrelGreenTransport.Supervisor.Tests.Upgrading;

public sealed class UpgradePackageTests
{
    [Fact]
    public void What_is_written_is_read()
    {
        var package = new UpgradePackage(3, (4, "/run/ä;=.sock"), 5, 8, [("tcp://[::1]:0#2", 6), ("unix:/run/a;b=c.sock", 7)]);

        var read = UpgradePackage.Parse(package.ToString())!;

        Assert.Equal((3, (4, "/run/ä;=.sock"), 5, 8), (read.Channel, read.Control, read.PidFile, read.Name));
        Assert.Equal(package.Sockets, read.Sockets);
        Assert.Null(UpgradePackage.Parse((package with { PidFile = null }).ToString())!.PidFile);

        // From a version that did not pass on the name.
        Assert.Null(UpgradePackage.Parse((package with { Name = null }).ToString())!.Name);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("x=channel;4=control%3A%2Frun%2Fx")]
    [InlineData("3=channel")]
    public void Anything_else_is_no_package(string? text) => Assert.Null(UpgradePackage.Parse(text));
}
