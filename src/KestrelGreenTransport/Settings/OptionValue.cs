using System.Globalization;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Settings;

// One structure for all: a generic method for each type of option would be compiled while a process boots.

/// <summary>The value of an option that is a number underneath; null if there is none.</summary>
internal readonly struct OptionValue(long? number)
{
    public long? Number { get; } = number;

    public static implicit operator OptionValue(int? value) => new(value);

    public static implicit operator OptionValue(long? value) => new(value);

    public static implicit operator OptionValue(bool value) => new(value ? 1 : 0);

    public static implicit operator OptionValue(TimeSpan? value) => new(value?.Ticks);

    public static implicit operator OptionValue(UnixFileMode? value) => new((int?)value);

    public static implicit operator int(OptionValue value) => (int)value.Number!;

    public static implicit operator int?(OptionValue value) => (int?)value.Number;

    public static implicit operator long?(OptionValue value) => value.Number;

    public static implicit operator bool(OptionValue value) => value.Number == 1;

    public static implicit operator TimeSpan(OptionValue value) => TimeSpan.FromTicks((long)value.Number!);

    public static implicit operator TimeSpan?(OptionValue value) => value.Number is { } ticks ? TimeSpan.FromTicks(ticks) : null;

    public static implicit operator UnixFileMode?(OptionValue value) => (UnixFileMode?)value.Number;

    /// <summary>The number that a text stands for; null if the text has another form.</summary>
    public static long? Parse(ValueShape shape, string text) => shape switch
    {
        // A negative number has the right form, so that the error can name the allowed range. But +2 might mean two more.
        ValueShape.Number when text is not ['+', ..] && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        ValueShape.Duration when Duration.TryParse(text, out var duration) => duration.Ticks,
        ValueShape.Size when ByteSize.TryParse(text, out var bytes) => bytes,
        ValueShape.Mode => ParseOctal(text.StartsWith("0o", StringComparison.Ordinal) ? text[2..] : text),
        ValueShape.Flag when text == "1" || text.Equals("true", StringComparison.OrdinalIgnoreCase) => 1,
        ValueShape.Flag when text == "0" || text.Equals("false", StringComparison.OrdinalIgnoreCase) => 0,
        _ => null,
    };

    /// <summary>A text that <see cref="Parse"/> takes for this number, unless no text stands for it.</summary>
    public static string Format(ValueShape shape, long number) => shape switch
    {
        // Duration.Format is for what it can read back; a negative time from code is shown as .NET writes it.
        ValueShape.Duration when number < 0 => TimeSpan.FromTicks(number).ToString("c", CultureInfo.InvariantCulture),
        ValueShape.Duration => Duration.Format(TimeSpan.FromTicks(number)),
        ValueShape.Mode => Convert.ToString(number, 8),
        ValueShape.Flag => number == 0 ? "false" : "true",
        _ => number.ToString(CultureInfo.InvariantCulture),
    };

    private static long? ParseOctal(string digits) =>
        digits.Length is >= 1 and <= 4 && !digits.AsSpan().ContainsAnyExceptInRange('0', '7') ? Convert.ToInt64(digits, 8) : null;
}
