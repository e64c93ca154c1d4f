using System.Text;

namespace KestrelGreenTransport.Tool.Completions;

/// <summary>Completion scripts for each shell. They contain everything, so that Tab never starts a process.</summary>
internal static class ShellScripts
{
    public static string Bash(CommandTree tree)
    {
        var text = new StringBuilder("""
            # Completions of green for bash. Load them with: source <(green completions bash)
            _green() {
              local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= word words= files=
              for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do

            """);
        text.Append($"    case $word in {string.Join('|', tree.Commands.Select(static command => command.Name))}) command=$word; break;; esac\n");
        text.Append("  done\n  COMPREPLY=()\n  case $command:$previous in\n");
        foreach (var (command, option) in WithValues(tree))
        {
            var pattern = string.Join('|', option.Names.Select(name => $"{command}:{name}"));
            text.Append($"    {pattern}) {(option.TakesFile ? "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")" : $"COMPREPLY=($(compgen -W '{string.Join(' ', option.Choices)}' -- \"$current\"))")}; return;;\n");
        }

        text.Append("  esac\n  case $command in\n");
        text.Append($"    '') words='{string.Join(' ', tree.Commands.Select(static command => command.Name))}';;\n");
        foreach (var command in tree.Commands)
        {
            text.Append($"    {command.Name}) words='{string.Join(' ', command.Choices.Concat(command.Options.SelectMany(static option => option.Names)))}'{(command.TakesFiles ? " files=1" : "")};;\n");
        }

        text.Append($"  esac\n  words=\"$words {string.Join(' ', tree.Options.SelectMany(static option => option.Names))}\"\n");
        return text.Append("""
              COMPREPLY=($(compgen -W "$words" -- "$current"))
              if [ -n "$files" ] && [[ $current != -* ]]; then mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$current"); fi
            }
            complete -o filenames -F _green green

            """).ToString();
    }

    public static string Zsh(CommandTree tree)
    {
        var text = new StringBuilder("#compdef green\n# Completions of green for zsh. Put this in a file _green in your fpath.\n_green() {\n  local curcontext=\"$curcontext\" state line\n");
        text.Append("  _arguments -C \\\n");
        foreach (var option in tree.Options)
        {
            text.Append(ZshOption(option));
        }

        text.Append("    '1:command:->command' \\\n    '*::argument:->argument'\n  case $state in\n    command)\n      local -a commands=(\n");
        foreach (var command in tree.Commands)
        {
            text.Append($"        '{command.Name}:{ZshQuoted(command.Description)}'\n");
        }

        text.Append("      )\n      _describe command commands\n      ;;\n    argument)\n      case $words[1] in\n");
        foreach (var command in tree.Commands)
        {
            text.Append($"        {command.Name})\n          _arguments \\\n");
            foreach (var option in command.Options.Concat(tree.Options))
            {
                text.Append("      ").Append(ZshOption(option));
            }

            var rest = command.TakesFiles ? "'*:file:_files'" : command.Choices.Count > 0 ? $"'1:{command.Arguments[0].Name}:({string.Join(' ', command.Choices)})'" : "'*:argument:( )'";
            text.Append($"            {rest}\n          ;;\n");
        }

        return text.Append("      esac\n      ;;\n  esac\n}\nif [[ ${funcstack[1]} == _green ]]; then _green \"$@\"; else compdef _green green; fi\n").ToString();
    }

    public static string Fish(CommandTree tree)
    {
        var text = new StringBuilder("# Completions of green for fish. Load them with: green completions fish | source\ncomplete -c green -f\n");

        // Not __fish_use_subcommand, which would take an option's value for a command.
        var noCommand = $"'not __fish_seen_subcommand_from {string.Join(' ', tree.Commands.Select(static command => command.Name))}'";
        foreach (var option in tree.Options)
        {
            text.Append(FishOption(option, null));
        }

        foreach (var command in tree.Commands)
        {
            text.Append($"complete -c green -n {noCommand} -a {command.Name} -d '{FishQuoted(command.Description)}'\n");
            foreach (var option in command.Options)
            {
                text.Append(FishOption(option, command.Name));
            }

            if (command.TakesFiles)
            {
                text.Append($"complete -c green -n '__fish_seen_subcommand_from {command.Name}' -F\n");
            }
            else if (command.Choices.Count > 0)
            {
                text.Append($"complete -c green -n '__fish_seen_subcommand_from {command.Name}' -a '{string.Join(' ', command.Choices)}'\n");
            }
        }

        return text.ToString();
    }

    public static string PowerShell(CommandTree tree)
    {
        var text = new StringBuilder("# Completions of green for PowerShell. Load them with: green completions pwsh | Out-String | Invoke-Expression\n$greenWords = @{\n");
        text.Append($"  '' = '{string.Join(' ', tree.Commands.Select(static command => command.Name))}'\n");
        foreach (var command in tree.Commands)
        {
            text.Append($"  '{command.Name}' = '{string.Join(' ', command.Choices.Concat(command.Options.SelectMany(static option => option.Names)))}'\n");
        }

        text.Append("}\n$greenValues = @{\n");
        foreach (var group in WithValues(tree).Where(static pair => pair.Option.Choices.Count > 0).SelectMany(static pair => pair.Option.Names.Select(name => (name, pair.Option))).DistinctBy(static pair => pair.name))
        {
            text.Append($"  '{group.name}' = '{string.Join(' ', group.Option.Choices)}'\n");
        }

        return text.Append($"}}\n$greenEverywhere = '{string.Join(' ', tree.Options.SelectMany(static option => option.Names))}'\n").Append("""
            Register-ArgumentCompleter -Native -CommandName green -ScriptBlock {
              param($wordToComplete, $commandAst, $cursorPosition)
              $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
              $command = @($words | Where-Object { $_ -ne '' -and $greenWords.ContainsKey($_) })[0]
              $before = if ($wordToComplete) { $words[-2] } else { $words[-1] }
              $known = if ($before -and $greenValues.ContainsKey($before)) { $greenValues[$before] }
                elseif ($command) { $greenWords[$command] + ' ' + $greenEverywhere }
                else { $greenWords[''] + ' ' + $greenEverywhere }
              $known.Split(' ') | Where-Object { $_ -and $_.StartsWith($wordToComplete) } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
            }

            """).ToString();
    }

    // Options of every command are listed once, with the pattern * as their command.
    private static IEnumerable<(string Command, OptionEntry Option)> WithValues(CommandTree tree) =>
        tree.Options.Select(static option => ("*", option))
            .Concat(tree.Commands.SelectMany(static command => command.Options.Select(option => (command.Name, option))))
            .Where(static pair => pair.Item2.ValueName is not null);

    private static string ZshOption(OptionEntry option)
    {
        var value = option.ValueName is null ? "" : $":{option.ValueName}:{(option.TakesFile ? "_files" : option.Choices.Count > 0 ? $"({string.Join(' ', option.Choices)})" : " ")}";
        var description = ZshQuoted(option.Description).Replace("[", "(", StringComparison.Ordinal).Replace("]", ")", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal);
        return string.Concat(option.Names.Select(name => $"    '*{name}[{description}]{value}' \\\n"));
    }

    private static string FishOption(OptionEntry option, string? command)
    {
        var names = string.Join(' ', option.Names.Select(static name => name.StartsWith("--", StringComparison.Ordinal) ? $"-l {name[2..]}" : $"-s '{name[1..]}'"));
        var where = command is null ? "" : $" -n '__fish_seen_subcommand_from {command}'";
        var value = option.ValueName is null ? "" : option.TakesFile ? " -r -F" : option.Choices.Count > 0 ? $" -x -a '{string.Join(' ', option.Choices)}'" : " -x";
        return $"complete -c green{where} {names}{value} -d '{FishQuoted(option.Description)}'\n";
    }

    // Within single quotes: zsh has no escape there, so the quotes must be closed for one.
    private static string ZshQuoted(string text) => text.Replace("'", "'\\''", StringComparison.Ordinal);

    private static string FishQuoted(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal);
}
