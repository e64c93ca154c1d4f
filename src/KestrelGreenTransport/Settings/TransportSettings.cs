using System.Globalization;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Settings;

/// <summary>Every setting of the transport that text can set.</summary>
internal static class TransportSettings
{
    public static readonly IReadOnlyList<TransportSetting> All =
    [
        Number(nameof(GreenTransportOptions.WorkerConnections), (options, value) => options.WorkerConnections = value),
        Number(nameof(GreenTransportOptions.Backlog), (options, value) => options.Backlog = value),
        NumberOrAuto(nameof(GreenTransportOptions.AcceptBatch), (options, value) => options.AcceptBatch = value),
        Time(nameof(GreenTransportOptions.AcceptMinDelay), (options, value) => options.AcceptMinDelay = value),
        Time(nameof(GreenTransportOptions.AcceptMaxDelay), (options, value) => options.AcceptMaxDelay = value),
        Limit(nameof(GreenTransportOptions.MaxReadBufferSize), (options, value) => options.MaxReadBufferSize = value),
        Limit(nameof(GreenTransportOptions.MaxWriteBufferSize), (options, value) => options.MaxWriteBufferSize = value),
        new(nameof(GreenTransportOptions.NoDelay), "true or false", static (options, text) =>
        {
            var isTrue = Is(text, "true") || text == "1";
            options.NoDelay = isTrue;
            return isTrue || Is(text, "false") || text == "0";
        }),
        new(nameof(GreenTransportOptions.UnixFileMode), "access rights in octal such as 0660", static (options, text) =>
        {
            if (text.Length > 4 || !text.All(static digit => digit is >= '0' and <= '7'))
            {
                return false;
            }

            options.UnixFileMode = (UnixFileMode)Convert.ToInt32(text, 8);
            return true;
        }),
        Choice<GreenTransportBackend>(nameof(GreenTransportOptions.Backend), (options, value) => options.Backend = value),
        Choice<GreenTransportScheduling>(nameof(GreenTransportOptions.Scheduling), (options, value) => options.Scheduling = value),
        NumberOrAuto(nameof(GreenTransportOptions.EventLoops), (options, value) => options.EventLoops = value),
        Time(nameof(GreenTransportOptions.BlockingThreshold), (options, value) => options.BlockingThreshold = value),
        Time(nameof(GreenTransportOptions.GracefulTimeout), (options, value) => options.GracefulTimeout = value),
    ];

    private static TransportSetting Number(string name, Action<GreenTransportOptions, int> set) =>
        new(name, "a whole number", (options, text) =>
        {
            if (!TryNumber(text, out var number))
            {
                return false;
            }

            set(options, number);
            return true;
        });

    private static TransportSetting NumberOrAuto(string name, Action<GreenTransportOptions, int?> set) =>
        new(name, "a whole number, or auto", (options, text) =>
        {
            if (!TryNumber(text, out var number) && !Is(text, "auto"))
            {
                return false;
            }

            set(options, Is(text, "auto") ? null : number);
            return true;
        });

    // Enum.TryParse would take any number too.
    private static TransportSetting Choice<T>(string name, Action<GreenTransportOptions, T> set)
        where T : struct, Enum =>
        new(name, $"one of {string.Join(", ", Enum.GetNames<T>())}", (options, text) =>
        {
            if (Enum.GetNames<T>().FirstOrDefault(one => Is(text, one)) is not { } choice)
            {
                return false;
            }

            set(options, Enum.Parse<T>(choice));
            return true;
        });

    private static TransportSetting Time(string name, Action<GreenTransportOptions, TimeSpan> set) =>
        new(name, "a duration such as 30s, 250ms or 00:00:30", (options, text) =>
        {
            if (!Duration.TryParse(text, out var duration))
            {
                return false;
            }

            set(options, duration);
            return true;
        });

    private static TransportSetting Limit(string name, Action<GreenTransportOptions, long?> set) =>
        new(name, "a size such as 1048576, 64KB or 1MB, or unlimited", (options, text) =>
        {
            if (!ByteSize.TryParse(text, out var bytes) && !Is(text, "unlimited"))
            {
                return false;
            }

            set(options, Is(text, "unlimited") ? null : bytes);
            return true;
        });

    // A negative number has the right form, so that the validator can say which range is allowed.
    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private static bool Is(string text, string word) => text.Equals(word, StringComparison.OrdinalIgnoreCase);
}
