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
    [InlineData("green run --backend E", "Epoll")]
    [InlineData("green run --no-delay f", "false")]
    [InlineData("green dump 1 --kind h", "heap")]
    [InlineData("green run --pid-file a", "a b.pid")]
    public void Bash_itself_completes_a_line(string line, string expected)
    {
        Write("Shop.dll", "");
        Write("nginx.conf", "");
        Write("a b.pid", "");
        Write("green.bash", Green("completions", "bash").Out);

        var (output, error) = Run("bash", "-c", "source ./green.bash; read -ra COMP_WORDS <<< \"$0\"; [[ $0 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _green; echo -n \"${COMPREPLY[*]}\"", line);

        Assert.Equal((expected, ""), (output, error));
    }

    [Fact]
    public void Zsh_itself_completes_a_line()
    {
        Write("nginx.conf", "");
        Write("_green", Green("completions", "zsh").Out);

        // A real line editor: a key of our own completes, and prints the resulting line.
        Write("drive.zsh", """
            zmodload zsh/zpty
            zpty editor zsh -f -i
            ask() { zpty -w -n editor "$1"; zpty -r -m editor answer "*$2*" }
            ask $'PS1=; show() { zle complete-word; print -r -- "LINE<$BUFFER>"; zle kill-buffer }; zle -N show; bindkey "^X" show; fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; print REA""DY\n' READY
            for line in "$@"; do
              ask "$line"$'\x18' 'LINE<*>'
              answer=${answer##*LINE<}; print -r -- "${answer%%>*}"
            done
            """);

        var (output, error) = Run(
            "zsh", "-f", "drive.zsh", "green sta", "green run --log-fo", "green run --log-format j", "green --name shop conf", "green completions f", "green check --nginx ngi",
            "green run --backend E", "green dump 1 --kind h");

        Assert.Equal(
            ["green status ", "green run --log-format ", "green run --log-format json ", "green --name shop config ", "green completions fish ", "green check --nginx nginx.conf ",
                "green run --backend Epoll ", "green dump 1 --kind heap "],
            output.Split('\n')[..^1]);
        Assert.Equal("", error);
    }

    [Fact]
    public void Fish_itself_completes_a_line()
    {
        Write("nginx.conf", "");
        Write("green.fish", Green("completions", "fish").Out);

        var (output, error) = Run(
            "fish", "--no-config", "-c", "source green.fish; for line in $argv; complete -C $line; end",
            "green sta", "green run --log-format j", "green --name shop conf", "green completions f", "green check --nginx ngi", "green run --backend E", "green dump 1 --kind h", "green stop --qui");

        Assert.Equal(
            ["status", "json", "config", "fish", "nginx.conf", "Epoll", "heap", "--quick"], output.Split('\n')[..^1].Select(static line => line.Split('\t')[0]));
        Assert.Contains("\tShow a supervisor, its listeners and its workers.", output);
        Assert.Contains("the workers' lines", output);
        Assert.Equal("", error);
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
            Environment = { ["MANWIDTH"] = "200", ["LC_ALL"] = "C.UTF-8", ["MANROFFOPT"] = "", ["HOME"] = Folder },
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (output, error.Result);
    }
}
