using System.Diagnostics;

namespace KestrelGreenTransport.Tool.Tests;

public sealed class CompletionsTests : ToolFixture
{
    [Theory]
    [InlineData("green sta", "status")]
    [InlineData("green run --log-fo", "--log-format")]
    [InlineData("green run --log-format j", "json")]
    [InlineData("green --name shop conf", "config")]
    [InlineData("green completions f", "fish")]
    [InlineData("green logs --fol", "--follow")]
    [InlineData("green status --na", "--name")]
    [InlineData("green run --workers ", "")]
    [InlineData("green run ./Sh", "./Shop.dll")]
    [InlineData("green check --nginx ngi", "nginx.conf")]
    public void Bash_itself_completes_a_line(string line, string expected)
    {
        Write("Shop.dll", "");
        Write("nginx.conf", "");
        Write("green.bash", Green("completions", "bash").Out);

        var (output, error) = Run("bash", "-c", "source ./green.bash; read -ra COMP_WORDS <<< \"$0\"; [[ $0 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _green; echo -n \"${COMPREPLY[*]}\"", line);

        Assert.Equal((expected, ""), (output, error));
    }

    [Fact]
    public void The_manual_page_is_one_that_man_shows_without_a_complaint()
    {
        Write("green.1", Green("completions", "man").Out);

        var (output, error) = Run("man", "--warnings", "-E", "UTF-8", "-P", "cat", "-l", "./green.1");

        Assert.Equal("", error);
        Assert.Contains("green completions SHELL [options]", output);
        Assert.Contains("--worker-connections N", output);
        Assert.Contains("EXIT STATUS", output);
        Assert.Contains("green run -w 4 -b 127.0.0.1:8080 ./Shop.dll", output);
    }

    [Theory]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("pwsh")]
    public void Every_command_and_every_option_is_in_every_script(string shell)
    {
        var script = Green("completions", shell).Out;

        Assert.All(
            Green("completions", "bash").Out.Split([' ', '\'', '\n', '|', ')', '"', ':'], StringSplitOptions.RemoveEmptyEntries).Where(static word => word.StartsWith("--", StringComparison.Ordinal) && word.Length > 2),
            option => Assert.True(script.Contains(option, StringComparison.Ordinal) || script.Contains($"-l {option[2..]}", StringComparison.Ordinal), option));
        Assert.All((string[])["run", "status", "top", "logs", "scale", "stop", "config", "check", "completions"], command => Assert.Contains(command, script));
    }

    [Fact]
    public void An_unknown_shell_is_told() => Assert.Equal(
        new Outcome(2, "", "green: SHELL ('tcsh') must be one of bash, zsh, fish, pwsh, man.\n"), Green("completions", "tcsh"));

    private (string Output, string Error) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["MANWIDTH"] = "200", ["LC_ALL"] = "C.UTF-8", ["MANROFFOPT"] = "" },
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (output, error.Result);
    }
}
