namespace KestrelGreenTransport.Settings;

/// <summary>A setting whose value is a number underneath.</summary>
/// <param name="name">As in <typeparamref name="TOptions"/>.</param>
/// <param name="range">The range in other words than "from 1 to 10"; or null.</param>
/// <param name="get">Reads it.</param>
/// <param name="set">Sets it.</param>
/// <typeparam name="TOptions">The options that it is one of.</typeparam>
internal sealed class ValueSetting<TOptions>(string name, string? range, Func<TOptions, OptionValue> get, Action<TOptions, OptionValue> set)
    : Setting<TOptions>(name)
    where TOptions : class
{
    public Func<TOptions, OptionValue> Get { get; } = get;

    public Action<TOptions, OptionValue> Set { get; } = set;

    /// <summary>What comes before the range, such as <c>a whole number </c>.</summary>
    public string Noun { get; init; } = "";

    /// <summary>What comes after the range in an error.</summary>
    public string Remark { get; init; } = "";

    /// <summary>What an error says instead, to complete "must be …"; null if it says noun, range and remark.</summary>
    public string? OwnRule { get; init; }

    /// <summary>What the error about a text of another form says, to complete "must be …"; null if that is the same one.</summary>
    public string? Form { get; init; }

    /// <summary>The numbers of <see cref="Setting{TOptions}.Choices"/>.</summary>
    public int[] Numbers { get; init; } = [];

    public override string Range => (range ?? Span) + OrNone;

    private string Span => To == long.MaxValue
        ? $"{Noun}at least {OptionValue.Format(Shape, From)}"
        : $"{Noun}from {OptionValue.Format(Shape, From)} to {OptionValue.Format(Shape, To)}";

    private string OrNone => None is null ? "" : $", or {None}";

    private string Rule => OwnRule ?? Span + Remark;

    public override string? Take(TOptions options, string text, bool inAnyRange = false)
    {
        var isNone = text.Equals(None, StringComparison.OrdinalIgnoreCase);
        var number = isNone ? null : Parse(text);
        if (number is null && !isNone)
        {
            return $"must be {(Form is null ? Rule : Form + OrNone)}";
        }

        if (!inAnyRange && !IsRight(number))
        {
            return $"must be {Rule}";
        }

        Set(options, new OptionValue(number));
        return null;
    }

    public override IReadOnlyList<string> Read(TOptions options) => Get(options).Number is { } number ? [Format(number)] : [];

    public override string? BrokenRule(TOptions options) => IsRight(Get(options).Number) ? null : Rule;

    private bool IsRight(long? value) =>
        value is not { } number || (Choices.Length > 0 ? Array.IndexOf(Numbers, (int)number) >= 0 : number >= From && number <= To);

    // Enum.TryParse would take any number too.
    private long? Parse(string text) =>
        Choices.Length == 0 ? OptionValue.Parse(Shape, text)
        : Array.FindIndex(Choices, choice => choice.Equals(text, StringComparison.OrdinalIgnoreCase)) is >= 0 and var known ? Numbers[known]
        : null;

    private string Format(long number) =>
        Array.IndexOf(Numbers, (int)number) is >= 0 and var known ? Choices[known] : OptionValue.Format(Shape, number);
}
