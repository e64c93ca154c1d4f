namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// One setting, with all that the command line, the environment, the files, the validation and the documentation need.
/// </summary>
internal sealed record Setting
{
    /// <summary>The name, as in <see cref="GreenSupervisorOptions"/>, the configuration section and <c>green.json</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The short option, if there is one, then the long one.</summary>
    public required IReadOnlyList<string> Options { get; init; }

    /// <summary>The placeholder for the value in help texts.</summary>
    public required string ValueName { get; init; }

    /// <summary>The allowed values, as they complete "must be …".</summary>
    public required string Range { get; init; }

    /// <summary>The default, in words or as a value.</summary>
    public required string Default { get; init; }

    /// <summary>One line of help.</summary>
    public required string Help { get; init; }

    /// <summary>The name of the setting in gunicorn or puma; null if neither has it.</summary>
    public string? Counterpart { get; init; }

    /// <summary>The form of the value in a JSON file.</summary>
    public ValueShape Shape { get; init; } = ValueShape.Text;

    /// <summary>Whether <c>auto</c> is allowed instead of a number.</summary>
    public bool OrAuto { get; init; }

    /// <summary>The smallest number; for <see cref="ValueShape.Number"/>.</summary>
    public long From { get; init; }

    /// <summary>The largest number; for <see cref="ValueShape.Number"/>.</summary>
    public long To { get; init; }

    /// <summary>All values, if there is a fixed set; for completion and the JSON schema.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Whether the value is a secret.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Whether several values may be given.</summary>
    public bool IsList { get; init; }

    /// <summary>The separators between the values of a list in one text.</summary>
    public char[] Separators { get; init; } = [',', ';'];

    /// <summary>
    /// Whether the transport has this setting too. The supervisor passes it to the workers, and its variable alone
    /// does not make an app a supervisor.
    /// </summary>
    public bool IsTransport { get; init; }

    /// <summary>What is wrong with one value, as a predicate ("must be …"); null if it is valid.</summary>
    public required Func<string, string?> Check { get; init; }

    /// <summary>Puts checked values into the options; the last value counts if only one is allowed.</summary>
    public required Action<GreenSupervisorOptions, IReadOnlyList<string>> Apply { get; init; }

    /// <summary>Reads the options as texts that <see cref="Check"/> accepts; empty when unset.</summary>
    public required Func<GreenSupervisorOptions, IReadOnlyList<string>> Read { get; init; }

    /// <summary>The environment variable: <c>GREEN_WORKER_CONNECTIONS</c> for <c>--worker-connections</c>.</summary>
    public string Variable => "GREEN_" + LongOption[2..].Replace('-', '_').ToUpperInvariant();

    public string LongOption => Options[^1];

    /// <summary>Splits the text of a variable or of a configuration value into the setting's values.</summary>
    public IReadOnlyList<string> Split(string text) =>
        IsList ? text.Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [text.Trim()];

    public override string ToString() => Name;
}
