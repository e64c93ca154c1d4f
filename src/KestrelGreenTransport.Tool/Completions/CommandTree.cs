using System.CommandLine;
using System.CommandLine.Completions;

namespace KestrelGreenTransport.Tool.Completions;

/// <summary>The command line as the completions and the manual describe it.</summary>
/// <param name="Description">What the program is for.</param>
/// <param name="Options">Options of every command.</param>
/// <param name="Commands">The commands, in the order of the help.</param>
internal sealed record CommandTree(string Description, IReadOnlyList<OptionEntry> Options, IReadOnlyList<CommandEntry> Commands)
{
    public static CommandTree Of(Command root, IReadOnlyDictionary<Command, string[]> examples) => new(
        root.Description ?? "",
        [.. root.Options.Where(static option => !option.Hidden).Select(OptionEntry.Of)],
        [.. root.Subcommands.Where(static command => !command.Hidden).Select(command => CommandEntry.Of(command, examples.GetValueOrDefault(command, [])))]);
}

/// <param name="Name">The name as it is typed.</param>
/// <param name="Description">One or two sentences.</param>
/// <param name="Options">Its own options.</param>
/// <param name="Arguments">Its arguments, in order.</param>
/// <param name="Examples">Command lines.</param>
internal sealed record CommandEntry(
    string Name, string Description, IReadOnlyList<OptionEntry> Options, IReadOnlyList<ArgumentEntry> Arguments, IReadOnlyList<string> Examples)
{
    /// <summary>Whether an argument is a file.</summary>
    public bool TakesFiles => Arguments.Any(static argument => argument.Name == "APP");

    /// <summary>All values of its arguments, if there is a fixed set.</summary>
    public IReadOnlyList<string> Choices => [.. Arguments.SelectMany(static argument => argument.Choices)];

    public static CommandEntry Of(Command command, string[] examples) => new(
        command.Name,
        command.Description ?? "",
        [.. command.Options.Where(static option => !option.Hidden).Select(OptionEntry.Of)],
        [.. command.Arguments.Select(static argument => new ArgumentEntry(
            argument.Name, argument.Description ?? "", argument.Arity.MinimumNumberOfValues == 0, argument.Arity.MaximumNumberOfValues > 1, OptionEntry.ChoicesOf(argument.CompletionSources)))],
        examples);
}

/// <param name="Name">The placeholder in help texts.</param>
/// <param name="Description">What it is.</param>
/// <param name="IsOptional">Whether it may be left out.</param>
/// <param name="IsList">Whether several may be given.</param>
/// <param name="Choices">All values, if there is a fixed set.</param>
internal sealed record ArgumentEntry(string Name, string Description, bool IsOptional, bool IsList, IReadOnlyList<string> Choices);

/// <param name="Names">Short names first.</param>
/// <param name="ValueName">The placeholder for the value; null for a switch.</param>
/// <param name="Description">What it does.</param>
/// <param name="Choices">All values, if there is a fixed set.</param>
internal sealed record OptionEntry(IReadOnlyList<string> Names, string? ValueName, string Description, IReadOnlyList<string> Choices)
{
    /// <summary>Whether the value is a path.</summary>
    public bool TakesFile => ValueName is "PATH" or "FILE" or "CONF" or "DIR" && Choices.Count == 0;

    public static OptionEntry Of(Option option) => new(
        [.. option.Aliases.Append(option.Name).Where(static name => name.StartsWith('-')).Distinct().OrderBy(static name => name.Length)],
        option.Arity.MaximumNumberOfValues == 0 || option is Option<bool> ? null : option.HelpName ?? "VALUE",
        option.Description ?? "",
        ChoicesOf(option.CompletionSources) is { Count: > 0 } choices ? choices : Alternatives(option.HelpName));

    // The placeholder true|false lists all values itself.
    private static string[] Alternatives(string? valueName) => valueName?.Contains('|') == true ? valueName.Split('|') : [];

    public static IReadOnlyList<string> ChoicesOf(IEnumerable<Func<CompletionContext, IEnumerable<CompletionItem>>> sources) =>
        [.. sources.SelectMany(static source => source(CompletionContext.Empty)).Select(static item => item.Label)];
}
