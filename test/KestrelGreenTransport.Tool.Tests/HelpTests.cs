namespace KestrelGreenTransport.Tool.Tests;

public sealed class HelpTests : ToolFixture
{
    [Theory]
    [InlineData("help", "--help")]
    [InlineData("help-run", "run", "--help")]
    [InlineData("help-status", "status", "-h")]
    [InlineData("help-completions", "completions", "--help")]
    [InlineData("help-top", "top", "--help")]
    [InlineData("help-config", "config", "--help")]
    [InlineData("help-check", "check", "--help")]
    [InlineData("help-logs", "logs", "--help")]
    [InlineData("help-scale", "scale", "-?")]
    [InlineData("help-reload", "reload", "--help")]
    [InlineData("help-restart", "restart", "--help")]
    [InlineData("help-drain", "drain", "--help")]
    [InlineData("help-upgrade", "upgrade", "--help")]
    [InlineData("help-dump", "dump", "--help")]
    [InlineData("help-stop", "stop", "--help")]
    public void Help_shows_every_option_and_examples(string golden, params string[] arguments)
    {
        var (code, output, error) = Green(arguments);

        Assert.Equal((0, ""), (code, error));
        GoldenFile.Expect(golden, output);
    }

    [Fact]
    public void Help_is_given_even_where_something_else_is_wrong() => Assert.Equal(0, Green("run", "--help", "-w").Code);

    [Fact]
    public void The_version_is_one_line() => Assert.Equal(new Outcome(0, "1.0.0\n", ""), Green("--version"));
}
