using System.Text;

namespace KestrelGreenTransport.Settings;

/// <summary>
/// One setting: the command line, variables, files, checks, help, schemas and the documentation are made from it.
/// </summary>
/// <typeparam name="TOptions">The options that it is one of.</typeparam>
internal abstract class Setting<TOptions>(string name)
    where TOptions : class
{
    /// <summary>The option's name, also the key in configuration sections and in <c>green.json</c>.</summary>
    public string Name { get; } = name;

    /// <summary>The short option of <c>green run</c>, such as <c>-w</c>; null if there is none.</summary>
    public string? ShortOption { get; init; }

    /// <summary>The option of <c>green run</c>: WorkerConnections is <c>--worker-connections</c>.</summary>
    public string Option => "--" + Hyphenated(Name);

    /// <summary>The short option, if there is one, then the long one.</summary>
    public IReadOnlyList<string> Options => ShortOption is null ? [Option] : [ShortOption, Option];

    /// <summary>The environment variable: WorkerConnections is <c>GREEN_WORKER_CONNECTIONS</c>.</summary>
    public string Variable => "GREEN_" + Hyphenated(Name).Replace('-', '_').ToUpperInvariant();

    /// <summary>The placeholder for the value in help texts; empty for an option that takes no value.</summary>
    public required string ValueName { get; init; }

    /// <summary>The allowed values, in words.</summary>
    public abstract string Range { get; }

    /// <summary>The default, in words or as a value.</summary>
    public required string Default { get; init; }

    /// <summary>One line of help.</summary>
    public required string Help { get; init; }

    /// <summary>The name of the same setting elsewhere; null if there is none.</summary>
    public string? Counterpart { get; init; }

    /// <summary>The form of the value.</summary>
    public ValueShape Shape { get; init; }

    /// <summary>The least number that is allowed.</summary>
    public long From { get; init; }

    /// <summary>The largest number that is allowed.</summary>
    public long To { get; init; }

    /// <summary>The word that is allowed instead of a number; null if there is none.</summary>
    public string? None { get; init; }

    /// <summary>All values, if there is a fixed set; else empty.</summary>
    public string[] Choices { get; init; } = [];

    /// <summary>Whether several values may be given.</summary>
    public bool IsList { get; init; }

    /// <summary>The separators between the values of a list in one text.</summary>
    public string Separators { get; init; } = ",;";

    /// <summary>Whether the value is a secret.</summary>
    public bool IsSecret { get; init; }

    /// <summary>
    /// Whether the transport has this setting too. The supervisor passes it to the workers, and its variable alone
    /// does not make an app a supervisor.
    /// </summary>
    public bool IsTransport { get; init; }

    /// <summary>WorkerConnections is <c>worker-connections</c>.</summary>
    public static string Hyphenated(string name)
    {
        var words = new StringBuilder();
        foreach (var letter in name)
        {
            words.Append(char.IsAsciiLetterUpper(letter) && words.Length > 0 ? "-" : "").Append(char.ToLowerInvariant(letter));
        }

        return words.ToString();
    }

    /// <summary>Splits the text of a variable or of a configuration value into the setting's values.</summary>
    public IReadOnlyList<string> Split(string text) =>
        IsList ? text.Split(Separators.ToCharArray(), StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [text.Trim()];

    /// <summary>Removes the values of a list; <see cref="Take"/> adds to it.</summary>
    public virtual void Clear(TOptions options)
    {
    }

    /// <summary>Sets the option from one text; or changes nothing and returns what is wrong with the text, as a predicate ("must be …").</summary>
    /// <param name="options">What to set it in.</param>
    /// <param name="text">As it was written, without white space around it.</param>
    /// <param name="inAnyRange">Whether <see cref="BrokenRule"/> is asked later, when no stronger source can change the value any more.</param>
    public abstract string? Take(TOptions options, string text, bool inAnyRange = false);

    /// <summary>The value as texts that <see cref="Take"/> accepts; empty if there is none.</summary>
    public abstract IReadOnlyList<string> Read(TOptions options);

    /// <summary>The rule that the value breaks, wherever it came from, to complete "must be …"; null if there is none.</summary>
    public virtual string? BrokenRule(TOptions options) => null;

    public override string ToString() => Name;
}
