namespace KestrelGreenTransport.Settings;

/// <summary>The values of the setting AccessLog besides the path of a file.</summary>
internal static class AccessLogPlace
{
    /// <summary>Standard output, as in gunicorn.</summary>
    public const string StandardOutput = "-";

    /// <summary>Every value, in words.</summary>
    public const string Range = "a file's path, - or off";

    /// <summary>No access log.</summary>
    public const string Off = "off";

    /// <summary>Whether a value of the setting is a file's path.</summary>
    public static bool IsFile(string value) => value != StandardOutput && !value.Equals(Off, StringComparison.OrdinalIgnoreCase);
}
