using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Settings;

/// <summary>The kinds of settings, by what their texts look like.</summary>
internal static class TransportSettingKinds
{
    public static TransportSetting Number(
        string name, string range, string @default, string help, Action<GreenTransportOptions, int> set, string? counterpart = null) =>
        new(name, "a whole number", (options, text) =>
        {
            if (!TryNumber(text, out var number))
            {
                return false;
            }

            set(options, number);
            return true;
        })
        {
            ValueName = "N",
            Range = range,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    public static TransportSetting NumberOrAuto(
        string name, string range, string @default, string help, Action<GreenTransportOptions, int?> set, string? counterpart = null) =>
        new(name, "a whole number, or auto", (options, text) =>
        {
            if (!TryNumber(text, out var number) && !Is(text, "auto"))
            {
                return false;
            }

            set(options, Is(text, "auto") ? null : number);
            return true;
        })
        {
            ValueName = "N",
            Range = range,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    public static TransportSetting Switch(
        string name, string @default, string help, Action<GreenTransportOptions, bool> set, string? counterpart = null) =>
        new(name, "true or false", (options, text) =>
        {
            var isTrue = Is(text, "true") || text == "1";
            set(options, isTrue);
            return isTrue || Is(text, "false") || text == "0";
        })
        {
            ValueName = "true|false",
            Range = "true or false",
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    // Enum.TryParse would take any number too.
    public static TransportSetting Choice<T>(
        string name, string @default, string help, Action<GreenTransportOptions, T> set, string? counterpart = null)
        where T : struct, Enum =>
        new(name, $"one of {string.Join(", ", Enum.GetNames<T>())}", (options, text) =>
        {
            if (Enum.GetNames<T>().FirstOrDefault(one => Is(text, one)) is not { } choice)
            {
                return false;
            }

            set(options, Enum.Parse<T>(choice));
            return true;
        })
        {
            ValueName = string.Join('|', Enum.GetNames<T>()),
            Range = string.Join(", ", Enum.GetNames<T>()),
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    public static TransportSetting Time(
        string name, string range, string @default, string help, Action<GreenTransportOptions, TimeSpan> set, string? counterpart = null) =>
        new(name, "a duration such as 30s, 250ms or 00:00:30", (options, text) =>
        {
            if (!Duration.TryParse(text, out var duration))
            {
                return false;
            }

            set(options, duration);
            return true;
        })
        {
            ValueName = "DURATION",
            Range = range,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    public static TransportSetting TimeOrOff(
        string name, string range, string @default, string help, Action<GreenTransportOptions, TimeSpan?> set, string? counterpart = null) =>
        new(name, "a duration such as 30s, or off", (options, text) =>
        {
            if (!Duration.TryParse(text, out var duration) && !Is(text, "off"))
            {
                return false;
            }

            set(options, Is(text, "off") ? null : duration);
            return true;
        })
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
        new(name, "a size such as 1048576, 64KB or 1MB, or unlimited", (options, text) =>
        {
            if (!ByteSize.TryParse(text, out var bytes) && !Is(text, "unlimited"))
            {
                return false;
            }

            set(options, Is(text, "unlimited") ? null : bytes);
            return true;
        })
        {
            ValueName = "SIZE",
            Range = "at least 4KB, or unlimited",
            Default = @default,
            Help = help,
            Counterpart = counterpart,
        };

    // A negative number has the right form, so that the validator can say which range is allowed.
    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private static bool Is(string text, string word) => text.Equals(word, StringComparison.OrdinalIgnoreCase);
}
