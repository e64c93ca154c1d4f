using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Settings;

/// <summary>The kinds of settings, by the form of their texts.</summary>
internal static class TransportSettingKinds
{
    private delegate bool Parser<T>(string text, out T value);

    public static TransportSetting Number(
        string name, string range, string @default, string help, Action<GreenTransportOptions, int> set, string? counterpart = null) =>
        new(name, "a whole number", Parsed(TryNumber, set))
        {
            ValueName = "N",
            Range = range,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    public static TransportSetting NumberOrAuto(
        string name, string range, string @default, string help, Action<GreenTransportOptions, int?> set, string? counterpart = null) =>
        new(name, "a whole number, or auto", ParsedOr("auto", TryNumber, set))
        {
            ValueName = "N",
            Range = range,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    public static TransportSetting Switch(
        string name, string @default, string help, Action<GreenTransportOptions, bool> set, string? counterpart = null) =>
        new(name, "true or false", Parsed(TrySwitch, set))
        {
            ValueName = "true|false",
            Range = "true or false",
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    public static TransportSetting Choice<T>(
        string name, string @default, string help, Action<GreenTransportOptions, T> set, string? counterpart = null)
        where T : struct, Enum =>
        new(name, $"one of {string.Join(", ", Enum.GetNames<T>())}", Parsed(TryChoice, set))
        {
            ValueName = string.Join('|', Enum.GetNames<T>()),
            Range = string.Join(", ", Enum.GetNames<T>()),
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    public static TransportSetting Time(
        string name, string range, string @default, string help, Action<GreenTransportOptions, TimeSpan> set, string? counterpart = null) =>
        new(name, "a duration such as 30s, 250ms or 00:00:30", Parsed(Duration.TryParse, set))
        {
            ValueName = "DURATION",
            Range = range,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    public static TransportSetting TimeOrOff(
        string name, string range, string @default, string help, Action<GreenTransportOptions, TimeSpan?> set, string? counterpart = null) =>
        new(name, "a duration such as 30s, or off", ParsedOr("off", Duration.TryParse, set))
        {
            ValueName = "DURATION",
            Range = range,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    public static TransportSetting Networks(
        string name, string @default, string help, Func<GreenTransportOptions, IList<IPNetwork>> list, string? counterpart = null) =>
        new(name, "addresses or networks such as 192.0.2.7 or 10.0.0.0/8, separated by commas", (options, text) =>
        {
            var networks = new List<IPNetwork>();
            foreach (var one in text.Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                if (IPAddress.TryParse(one, out var address))
                {
                    networks.Add(new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128));
                }
                else if (IPNetwork.TryParse(one, out var network))
                {
                    networks.Add(network);
                }
                else
                {
                    return false;
                }
            }

            var all = list(options);
            all.Clear();
            networks.ForEach(all.Add);
            return networks.Count > 0;
        })
        {
            ValueName = "NETWORK",
            Range = "addresses or networks, such as 192.0.2.7, 10.0.0.0/8",
            Default = @default,
            Help = help,
            Counterpart = counterpart,
            IsList = true,
        };

    public static TransportSetting Limit(
        string name, string @default, string help, Action<GreenTransportOptions, long?> set, string? counterpart = null) =>
        new(name, "a size such as 1048576, 64KB or 1MB, or unlimited", ParsedOr<long>("unlimited", ByteSize.TryParse, set))
        {
            ValueName = "SIZE",
            Range = "at least 4KB, or unlimited",
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    private static Func<GreenTransportOptions, string, bool> Parsed<T>(Parser<T> parse, Action<GreenTransportOptions, T> set) => (options, text) =>
    {
        if (!parse(text, out var value))
        {
            return false;
        }

        set(options, value);
        return true;
    };

    /// <summary>A value, or a word that means none.</summary>
    private static Func<GreenTransportOptions, string, bool> ParsedOr<T>(string none, Parser<T> parse, Action<GreenTransportOptions, T?> set)
        where T : struct =>
        Parsed<T?>(
            (string text, out T? value) =>
            {
                value = !Is(text, none) && parse(text, out var parsed) ? parsed : null;
                return value is not null || Is(text, none);
            },
            set);

    private static bool TrySwitch(string text, out bool value)
    {
        value = Is(text, "true") || text == "1";
        return value || Is(text, "false") || text == "0";
    }

    // Enum.TryParse would accept any number, too.
    private static bool TryChoice<T>(string text, out T value)
        where T : struct, Enum
    {
        value = default;
        return Enum.GetNames<T>().Any(one => Is(text, one)) && Enum.TryParse(text, ignoreCase: true, out value);
    }

    // A negative number has the right form, so that the validator can name the allowed range.
    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private static bool Is(string text, string word) => text.Equals(word, StringComparison.OrdinalIgnoreCase);
}
