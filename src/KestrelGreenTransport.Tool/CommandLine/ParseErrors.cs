using System.CommandLine;
using System.CommandLine.Parsing;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Tool.CommandLine;

/// <summary>Describes what is wrong with a command line, with a guess at what was meant.</summary>
internal static class ParseErrors
{
    public static IEnumerable<string> Describe(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var path = command.Parents.Any() ? $"green {command.Name}" : "green";
        var known = Known(parsed).ToList();
        if (parsed.UnmatchedTokens is [var unknown, ..])
        {
            yield return Unknown(unknown, known);
        }
        else
        {
            // The first error is the cause; later ones only confuse.
            var error = parsed.Errors[0];
            yield return error.SymbolResult switch
            {
                OptionResult { Option: { } option } result => $"{result.IdentifierToken?.Value ?? option.Name} needs a value: {result.IdentifierToken?.Value ?? option.Name} {option.HelpName}.",
                ArgumentResult { Tokens: [{ Value: ['-', ..] option }, ..] } => Unknown(option, known),
                ArgumentResult { Argument: { } argument } result when result.Tokens.Count == 0 => $"{argument.Name} is missing.",
                CommandResult { Command.Subcommands.Count: > 0 } => "a command is missing.",
                _ => error.Message,
            };
        }

        yield return $"try {path} --help";
    }

    /// <summary>"unknown option --wrokers; did you mean --workers?"</summary>
    private static string Unknown(string token, IReadOnlyCollection<string> known)
    {
        // -w4, as some tools accept it.
        var glued = token.Length > 2 && char.IsAsciiDigit(token[2]) && known.Contains(token[..2]) ? $"; did you mean {token[..2]} {token[2..]}?" : null;
        return $"unknown {(token.StartsWith('-') ? "option" : "command or argument")} {token}{glued ?? Suggestion.Tail(token, known)}";
    }

    /// <summary>Everything that could stand in place of the unknown word.</summary>
    private static IEnumerable<string> Known(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var options = command.Options.Concat(parsed.RootCommandResult.Command.Options.Where(static option => option.Recursive));
        return command.Subcommands.Select(static sub => sub.Name)
            .Concat(options.SelectMany(static option => option.Aliases.Append(option.Name)).Where(static name => name.StartsWith('-')));
    }
}
