namespace KestrelGreenTransport.Tool.Tests;

public sealed class UsageErrorTests : ToolFixture
{
    [Theory]
    [InlineData("", "a command is missing.", "green")]
    [InlineData("rnu", "unknown command or argument rnu; did you mean run?", "green")]
    [InlineData("elephant", "unknown command or argument elephant.", "green")]
    [InlineData("--jsno", "unknown option --jsno.", "green")]
    [InlineData("status --jsno", "unknown option --jsno; did you mean --json?", "green status")]
    [InlineData("stop --quik", "unknown option --quik; did you mean --quick?", "green stop")]
    [InlineData("stop --naem x", "unknown option --naem; did you mean --name?", "green stop")]
    [InlineData("run", "APP is missing.", "green run")]
    [InlineData("run -w", "-w needs a value: -w N.", "green run")]
    [InlineData("run ./Shop.dll --timeout", "--timeout needs a value: --timeout DURATION.", "green run")]
    [InlineData("run --wrokers 4 ./Shop.dll", "unknown option --wrokers; did you mean --workers?", "green run")]
    [InlineData("run -w4 ./Shop.dll", "unknown option -w4; did you mean -w 4?", "green run")]
    [InlineData("scale", "N is missing.", "green scale")]
    [InlineData("scale 2 3", "unknown command or argument 3.", "green scale")]
    public void A_wrong_command_line_is_told_on_standard_error_with_a_guess(string commandLine, string error, string help) =>
        Assert.Equal(new Outcome(2, "", $"green: {error}\ngreen: try {help} --help\n"), Green(commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [Theory]
    [InlineData("scale 0", "N ('0') must be a whole number from 1 to 1024.")]
    [InlineData("scale +2", "N ('+2') must be a whole number from 1 to 1024.")]
    [InlineData("scale two", "N ('two') must be a whole number from 1 to 1024.")]
    [InlineData("status shop", "WORKER ('shop') must be a worker's index, as shown in column # of green status.")]
    [InlineData("logs two", "WORKER ('two') must be a worker's index, as shown in column # of green status.")]
    [InlineData("logs -n 5001", "--lines ('5001') must be a whole number from 0 to 5000.")]
    [InlineData("status --name ../shop", "Name ('../shop', --name on the command line) must be 1 to 64 letters, digits, '-', '_' or '.', not beginning with '.'.")]
    public void A_wrong_value_names_itself_and_its_range(string commandLine, string error) =>
        Assert.Equal(new Outcome(2, "", $"green: {error}\n"), Green(commandLine.Split(' ')));
}
