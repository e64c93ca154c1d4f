namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// One setting: all that the command line, the environment, the files, the checks and the documentation need to know.
/// </summary>
internal sealed record Setting
{
    /// <summary>As in <see cref="GreenSupervisorOptions"/>, the configuration section and <c>green.json</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The short option, if there is one, then the long one.</summary>
    public required IReadOnlyList<string> Options { get; init; }

    /// <summary>What stands for the value in help texts.</summary>
    public required string ValueName { get; init; }

    /// <summary>The allowed values, as they complete "must be …".</summary>
    public required string Range { get; init; }

    /// <summary>The default, in words or as a value.</summary>
    public required string Default { get; init; }

    /// <summary>One line of help.</summary>
    public required string Help { get; init; }

    /// <summary>What the setting is called in gunicorn or puma; null where neither has it.</summary>
    public string? Counterpart { get; init; }

    /// <summary>What form a value has in a JSON file.</summary>
    public ValueShape Shape { get; init; } = ValueShape.Text;

    /// <summary>Whether <c>auto</c> may stand for the number.</summary>
    public bool OrAuto { get; init; }

    /// <summary>The smallest number; for <see cref="ValueShape.Number"/>.</summary>
    public long From { get; init; }

    /// <summary>The largest number; for <see cref="ValueShape.Number"/>.</summary>
    public long To { get; init; }

    /// <summary>Every value that there is, where they can be counted; for completion and the JSON schema.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Whether the value is nobody else's to read.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Whether several values may be given.</summary>
    public bool IsList { get; init; }

    /// <summary>What stands between the values of a list in one text.</summary>
    public char[] Separators { get; init; } = [',', ';'];

    /// <summary>
    /// Whether the transport has this setting too. The supervisor hands it on to the workers, and its variable alone
    /// does not make an app a supervisor.
    /// </summary>
    public bool IsTransport { get; init; }

    /// <summary>What is wrong with one value, as a predicate ("must be …"); null when it is right.</summary>
    public required Func<string, string?> Check { get; init; }

    /// <summary>Puts checked values into the options; the last one counts where only one may be given.</summary>
    public required Action<GreenSupervisorOptions, IReadOnlyList<string>> Apply { get; init; }

    /// <summary>Writes what the options hold as texts that <see cref="Check"/> takes; empty when unset.</summary>
    public required Func<GreenSupervisorOptions, IReadOnlyList<string>> Read { get; init; }

    /// <summary>The environment variable: <c>GREEN_WORKER_CONNECTIONS</c> for <c>--worker-connections</c>.</summary>
    public string Variable => "GREEN_" + LongOption[2..].Replace('-', '_').ToUpperInvariant();

    public string LongOption => Options[^1];

    /// <summary>Splits the text of a variable or of a configuration value.</summary>
    public IReadOnlyList<string> Split(string text) =>
        IsList ? text.Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [text.Trim()];

    public override string ToString() => Name;
}
