using KestrelGreenTransport.Settings;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>The kinds of the supervisor's settings.</summary>
internal static class SettingKinds
{
    public static Setting Value(
        string name, ValueShape shape, long from, long to, string @default, string help, string? counterpart,
        Func<GreenSupervisorOptions, OptionValue> get, Action<GreenSupervisorOptions, OptionValue> set,
        string? shortOption = null, string? none = null, string? range = null, string example = "", bool isTransport = false)
    {
        var (valueName, noun, remark) = shape switch
        {
            ValueShape.Number => ("N", "a whole number ", ""),
            ValueShape.Duration => ("DURATION", "a duration ", ", such as 30s or 1h30m"),
            ValueShape.Size => ("SIZE", "", ""),
            ValueShape.Mode => ("MODE", "", ""),
            _ => ("", "", ""),
        };
        return new ValueSetting<GreenSupervisorOptions>(name, range, get, set)
        {
            ShortOption = shortOption,
            Shape = shape,
            From = from,
            To = to,
            None = none,
            ValueName = valueName,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
            Noun = noun,
            Remark = remark,
            OwnRule = range is null ? null : range + example,
            IsTransport = isTransport,
        };
    }

    /// <summary>One that the transport has too. The supervisor uses it itself.</summary>
    public static Setting Shared(string name, string help, string counterpart, string? range = null)
    {
        var theirs = (ValueSetting<GreenTransportOptions>)TransportSettings.All.Single(setting => setting.Name == name);
        return Value(
            name, theirs.Shape, theirs.From, theirs.To, theirs.Default, help, counterpart,
            options => theirs.Get(options.Transport), (options, value) => theirs.Set(options.Transport, value), range: range, isTransport: true);
    }

    /// <summary>One of the transport's that the supervisor only passes on, as it was written. It binds the listeners accordingly.</summary>
    public static Setting PassedOn(Setting<GreenTransportOptions> theirs) => new TextSetting<GreenSupervisorOptions>(
        theirs.Name,
        theirs.Range,
        (options, text) =>
        {
            var all = theirs.IsList && options.PassedOn.TryGetValue(theirs.Name, out var before) ? $"{before},{text}" : text;
            var wrong = theirs.Take(options.Transport, all);
            if (wrong is null)
            {
                options.PassedOn[theirs.Name] = all;
            }

            return wrong;
        },
        options => options.PassedOn.TryGetValue(theirs.Name, out var text) ? [text] : [],
        options => options.PassedOn.Remove(theirs.Name))
    {
        Shape = theirs.Shape,
        From = theirs.From,
        To = theirs.To,
        None = theirs.None,
        Choices = theirs.Choices,
        ValueName = theirs.ValueName,
        Default = theirs.Default,
        Help = theirs.Help,
        Counterpart = theirs.Counterpart,
        IsList = theirs.IsList,
        IsTransport = true,
    };

    public static Setting Choice(
        string name, Type choice, string valueName, string @default, string help, string? counterpart,
        Func<GreenSupervisorOptions, OptionValue> get, Action<GreenSupervisorOptions, OptionValue> set)
    {
        var choices = Array.ConvertAll(Enum.GetNames(choice), static known => known.ToLowerInvariant());
        var range = choices.Length < 3 ? string.Join(" or ", choices) : $"{string.Join(", ", choices[..^1])} or {choices[^1]}";
        return new ValueSetting<GreenSupervisorOptions>(name, range, get, set)
        {
            Choices = choices,
            Numbers = (int[])Enum.GetValuesAsUnderlyingType(choice),
            ValueName = valueName,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
            OwnRule = range,
        };
    }

    /// <summary>Its option takes no value.</summary>
    public static Setting Switch(
        string name, string help, string? counterpart, Func<GreenSupervisorOptions, OptionValue> get, Action<GreenSupervisorOptions, OptionValue> set) =>
        Value(name, ValueShape.Flag, 0, 1, "false", help, counterpart, get, set, range: "true or false");

    public static Setting Text(
        string name, string valueName, string range, string @default, string help, string? counterpart, Func<string, bool> isRight,
        Func<GreenSupervisorOptions, string?> get, Action<GreenSupervisorOptions, string> set, bool isSecret = false) =>
        new TextSetting<GreenSupervisorOptions>(
            name,
            range,
            (options, text) =>
            {
                if (!isRight(text))
                {
                    return $"must be {range}";
                }

                set(options, text);
                return null;
            },
            options => get(options) is { } text ? [text] : [])
        {
            ValueName = valueName,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
            IsSecret = isSecret,
        };

    /// <summary>Several texts. <paramref name="problem"/> says what is wrong with one, as a predicate, or returns null.</summary>
    public static Setting List(
        string name, string valueName, string range, string @default, string help, string? counterpart, Func<string, string?> problem,
        Func<GreenSupervisorOptions, IList<string>> list, string? shortOption = null, string separators = ",;") =>
        new TextSetting<GreenSupervisorOptions>(
            name,
            range,
            (options, text) =>
            {
                var wrong = problem(text);
                if (wrong is null)
                {
                    list(options).Add(text);
                }

                return wrong;
            },
            options => [.. list(options)],
            options => list(options).Clear())
        {
            ShortOption = shortOption,
            ValueName = valueName,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
            IsList = true,
            Separators = separators,
        };
}
