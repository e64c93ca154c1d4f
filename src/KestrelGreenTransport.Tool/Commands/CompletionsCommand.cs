using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Tool.Completions;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green completions</c>: scripts for shells, and the manual page, generated from the command tree.</summary>
internal static class CompletionsCommand
{
    private static readonly Dictionary<string, Func<CommandTree, string>> Writers = new(StringComparer.Ordinal)
    {
        ["bash"] = ShellScripts.Bash,
        ["zsh"] = ShellScripts.Zsh,
        ["fish"] = ShellScripts.Fish,
        ["pwsh"] = ShellScripts.PowerShell,
        ["man"] = ManualPage.Of,
    };

    /// <param name="host">Where to write.</param>
    /// <param name="tree">Returns the whole command line; called once that is complete.</param>
    public static (Command Command, string[] Examples) Create(ToolHost host, Func<CommandTree> tree)
    {
        var shell = new Argument<string>("SHELL") { Description = $"One of {string.Join(", ", Writers.Keys)}; man prints the manual page." };
        shell.CompletionSources.Add([.. Writers.Keys]);
        var command = new Command("completions", "Print a script that completes green's command line in a shell, or its manual page.") { shell };
        command.SetAction(parsed =>
        {
            var wanted = parsed.GetRequiredValue(shell);
            if (!Writers.TryGetValue(wanted, out var write))
            {
                return host.Fail(ExitCodes.Usage, $"SHELL ('{wanted}') must be one of {string.Join(", ", Writers.Keys)}.");
            }

            host.Out.Write(write(tree()));
            return ExitCodes.Ok;
        });
        return (command, ["source <(green completions bash)", "green completions fish | source", "green completions man > green.1 && man -l green.1"]);
    }
}
