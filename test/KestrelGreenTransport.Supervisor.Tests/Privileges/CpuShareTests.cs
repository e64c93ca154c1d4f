using KestrelGreenTransport.Supervisor.Privileges;

namespace KestrelGreenTransport.Supervisor.Tests.Privileges;

public sealed class CpuShareTests
{
    [Theory]
    [InlineData("1", 1, 4, "0")]
    [InlineData("1", 4, 4, "3")]
    [InlineData("1", 5, 4, "0")]
    [InlineData("2", 2, 2, "2 3")]
    [InlineData("3", 2, 2, "0 1 3")]
    [InlineData("9", 2, 2, "0 1 2 3")]
    [InlineData("auto", 1, 2, "0 1")]
    [InlineData("auto", 2, 2, "2 3")]
    [InlineData("AUTO", 3, 8, "2")]
    public void Workers_take_neighbouring_processors_in_turns(string setting, int index, int workers, string expected) =>
        Assert.Equal(expected, string.Join(' ', CpuShare.Of(setting, index, workers, [0, 1, 2, 3])));

    [Fact]
    public void Only_processors_that_the_supervisor_may_use_are_shared_out() =>
        Assert.Equal([7], CpuShare.Of("1", 2, 4, [5, 7]));

    [Theory]
    [InlineData("auto", true)]
    [InlineData("1024", true)]
    [InlineData("0", false)]
    [InlineData("1025", false)]
    [InlineData("-1", false)]
    [InlineData("all", false)]
    public void The_setting_is_a_number_or_auto(string text, bool isRight) => Assert.Equal(isRight, CpuShare.TryParse(text, out _));
}
