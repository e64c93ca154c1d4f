using System.Text;
using KestrelGreenTransport.Supervisor;

namespace KestrelGreenTransport.Tool.Completions;

/// <summary>The manual page green(1), for man.</summary>
internal static class ManualPage
{
    private static readonly (int Code, string Meaning)[] ExitStatus =
    [
        (0, "Success; also a green run ended by INT, QUIT or TERM."),
        (1, "An unexpected error."),
        (2, "A wrong command line or setting."),
        (3, "No worker of the first generation was ever ready."),
        (4, "The app is missing, is not a .NET app, or does not use the transport."),
        (5, "An address cannot be bound."),
        (6, "No supervisor answers."),
        (7, "A reload failed; the old generation keeps serving."),
        (130, "Ctrl+C in a client command."),
    ];

    public static string Of(CommandTree tree)
    {
        var page = new StringBuilder();
        page.Append($".TH GREEN 1 \"\" \"green {SupervisorVersion.Text}\" \"User Commands\"\n");
        page.Append($".SH NAME\ngreen \\- {Escape(Uncapitalised(tree.Description))}\n");
        page.Append(".SH SYNOPSIS\n");
        foreach (var command in tree.Commands)
        {
            page.Append($".B green {command.Name}\n.RI {Quoted(string.Concat(command.Arguments.Select(Shown)) + "[options]")}\n.br\n");
        }

        page.Append($".SH DESCRIPTION\n{Escape(tree.Description)}\nOptions may also be given as GREEN_* environment variables and in green.json.\n");
        page.Append(".SH OPTIONS OF EVERY COMMAND\n");
        Options(page, tree.Options);
        page.Append(".SH COMMANDS\n");
        foreach (var command in tree.Commands)
        {
            page.Append($".SS green {command.Name}\n{Escape(command.Description)}\n");
            foreach (var argument in command.Arguments)
            {
                page.Append($".TP\n.I {Escape(argument.Name)}\n{Escape(argument.Description)}\n");
            }

            Options(page, command.Options);
            if (command.Examples.Count > 0)
            {
                page.Append(".PP\nExamples:\n.PP\n.nf\n.RS\n").AppendJoin("", command.Examples.Select(static example => $"{Escape(example)}\n")).Append(".RE\n.fi\n");
            }
        }

        page.Append(".SH EXIT STATUS\n");
        foreach (var (code, meaning) in ExitStatus)
        {
            page.Append($".TP\n.B {code}\n{Escape(meaning)}\n");
        }

        return page.ToString();
    }

    private static void Options(StringBuilder page, IReadOnlyList<OptionEntry> options)
    {
        foreach (var option in options)
        {
            var names = string.Join(", ", option.Names.Select(static name => $"\\fB{Escape(name)}\\fR"));
            page.Append($".TP\n{names}{(option.ValueName is null ? "" : $" \\fI{Escape(option.ValueName)}\\fR")}\n{Escape(option.Description)}\n");
        }
    }

    private static string Shown(ArgumentEntry argument)
    {
        var name = argument.IsList ? $"{argument.Name}..." : argument.Name;
        return argument.IsOptional ? $"[{name}] " : $"{name} ";
    }

    private static string Uncapitalised(string text) => char.ToLowerInvariant(text[0]) + text[1..].TrimEnd('.');

    private static string Quoted(string text) => $"\"{Escape(text).Replace("\"", "\\(dq", StringComparison.Ordinal)}\"";

    // troff would take a leading dot or quote for a request.
    private static string Escape(string text)
    {
        var escaped = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
        return escaped is ['.' or '\'', ..] ? "\\&" + escaped : escaped;
    }
}
