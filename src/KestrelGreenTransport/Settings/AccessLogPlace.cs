namespace KestrelGreenTransport.Settings;

/// <summary>What the setting AccessLog may say besides the path of a file.</summary>
internal static class AccessLogPlace
{
    /// <summary>The value of the setting that means standard output, as gunicorn writes it.</summary>
    public const string StandardOutput = "-";

    /// <summary>The value of the setting that means nowhere.</summary>
    public const string Off = "off";

    /// <summary>Whether a value of the setting is a file's path.</summary>
    public static bool IsFile(string value) => value != StandardOutput && !value.Equals(Off, StringComparison.OrdinalIgnoreCase);
}
