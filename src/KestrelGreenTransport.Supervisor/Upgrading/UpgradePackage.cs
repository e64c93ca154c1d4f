using System.Globalization;

namespace KestrelGreenTransport.Supervisor.Upgrading;

/// <summary>
/// What an old supervisor hands to its successor: descriptors by name, passed in one variable. A listening socket's name
/// contains the key of what was asked for.
/// </summary>
/// <param name="Channel">The connection to the old supervisor.</param>
/// <param name="Control">The control socket, and its path.</param>
/// <param name="PidFile">The locked pid file; null if there is none.</param>
/// <param name="Name">The directory that carries the lock on the instance's name; null from a version that did not hand it over.</param>
/// <param name="Sockets">The listening sockets.</param>
internal sealed record UpgradePackage(int Channel, (int Descriptor, string Path) Control, int? PidFile, int? Name, IReadOnlyList<(string Key, int Descriptor)> Sockets)
{
    private const string ChannelName = "channel";
    private const string ControlName = "control:";
    private const string PidFileName = "pid-file";
    private const string LockName = "name";
    private const string SocketName = "socket:";

    public override string ToString() => string.Join(
        ';',
        Entries().Select(static entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Descriptor}={Uri.EscapeDataString(entry.Name)}")));

    /// <summary>Parses the variable; null if it is not a package of ours.</summary>
    public static UpgradePackage? Parse(string? text)
    {
        int? channel = null;
        int? pidFile = null;
        int? nameLock = null;
        (int, string)? control = null;
        var sockets = new List<(string, int)>();
        foreach (var entry in (text ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = entry.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || !int.TryParse(entry.AsSpan(0, equals), NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor))
            {
                return null;
            }

            var name = Uri.UnescapeDataString(entry[(equals + 1)..]);
            if (name == ChannelName)
            {
                channel = descriptor;
            }
            else if (name == PidFileName)
            {
                pidFile = descriptor;
            }
            else if (name == LockName)
            {
                nameLock = descriptor;
            }
            else if (name.StartsWith(ControlName, StringComparison.Ordinal))
            {
                control = (descriptor, name[ControlName.Length..]);
            }
            else if (name.StartsWith(SocketName, StringComparison.Ordinal))
            {
                sockets.Add((name[SocketName.Length..], descriptor));
            }
        }

        return channel is { } way && control is { } answered ? new UpgradePackage(way, answered, pidFile, nameLock, sockets) : null;
    }

    private IEnumerable<(int Descriptor, string Name)> Entries() =>
    [
        (Channel, ChannelName),
        (Control.Descriptor, ControlName + Control.Path),
        .. Name is { } directory ? [(directory, LockName)] : Array.Empty<(int, string)>(),
        .. PidFile is { } file ? [(file, PidFileName)] : Array.Empty<(int, string)>(),
        .. Sockets.Select(static socket => (socket.Descriptor, SocketName + socket.Key)),
    ];
}
