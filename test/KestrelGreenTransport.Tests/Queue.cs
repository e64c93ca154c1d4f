using System.Globalization;

namespace KestrelGreenTransport.Tests;

/// <summary>How many connections wait in the kernel, not yet accepted, for a listener.</summary>
internal static class Queue
{
    private const string Listening = "0A";

    /// <summary>From /proc/net/tcp, where a listener's receive queue is the length of its accept queue.</summary>
    public static int LengthOf(int port)
    {
        foreach (var line in File.ReadLines("/proc/net/tcp").Concat(File.ReadLines("/proc/net/tcp6")).Where(line => !line.Contains("local_address", StringComparison.Ordinal)))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields[3] == Listening && fields[1].EndsWith(string.Create(CultureInfo.InvariantCulture, $":{port:X4}"), StringComparison.Ordinal))
            {
                return int.Parse(fields[4].Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidOperationException($"Nobody listens on port {port}.");
    }
}
