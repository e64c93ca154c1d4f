using System.Globalization;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Listening;

/// <summary>
/// Listening sockets of an earlier supervisor, by what it was asked to bind: kept by the service manager while no supervisor
/// ran, or handed over in an upgrade. Binding looks here first.
/// </summary>
internal sealed class StoredSockets : IDisposable
{
    /// <summary>The prefix of our sockets' names in the manager's store. The key follows, URL-escaped.</summary>
    public const string Prefix = "green.";

    private const int FirstDescriptor = 3;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Socket> _byKey;

    private StoredSockets(Dictionary<string, Socket> byKey, bool isOffered)
    {
        _byKey = byKey;
        IsOffered = isOffered;
        Keys = [.. byKey.Keys];
    }

    /// <summary>Whether the manager keeps descriptors for this service (since systemd 254). If so, Unix sockets keep their files.</summary>
    public bool IsOffered { get; }

    /// <summary>The keys of all sockets at the start.</summary>
    public IReadOnlyList<string> Keys { get; }

    public static string NameOf(string key) => Prefix + Uri.EscapeDataString(key);

    /// <summary>Splits the sockets that the manager passes into its own and those that it kept for us.</summary>
    /// <param name="count">LISTEN_FDS.</param>
    /// <param name="names">LISTEN_FDNAMES.</param>
    public static (IReadOnlyList<int> Given, IReadOnlyList<(string Key, int Descriptor)> Kept) Split(int count, string? names)
    {
        var all = (names ?? "").Split(':');
        var given = new List<int>();
        var kept = new List<(string, int)>();
        for (var i = 0; i < count; i++)
        {
            if (i < all.Length && all[i].StartsWith(Prefix, StringComparison.Ordinal))
            {
                kept.Add((Uri.UnescapeDataString(all[i][Prefix.Length..]), FirstDescriptor + i));
            }
            else
            {
                given.Add(FirstDescriptor + i);
            }
        }

        return (given, kept);
    }

    /// <summary>Takes over the sockets passed to this process.</summary>
    /// <param name="variable">The environment.</param>
    /// <param name="left">The sockets handed over by a supervisor that is still running.</param>
    public static StoredSockets Of(Func<string, string?> variable, IReadOnlyList<(string Key, int Descriptor)>? left = null)
    {
        var found = new Dictionary<string, Socket>();
        if (SystemdSockets.Count(variable(ContractVariables.ListenPid), variable(ContractVariables.ListenFds), Environment.ProcessId) is { } count)
        {
            left = [.. left ?? [], .. Split(count, variable(ContractVariables.ListenFdNames)).Kept];
        }

        foreach (var (key, descriptor) in left ?? [])
        {
            _ = Libc.AdoptDescriptor(descriptor);
            var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
            if (!IsReachable(socket) || !found.TryAdd(key, socket))
            {
                socket.Dispose();
            }
        }

        var isOffered = int.TryParse(variable("FDSTORE"), NumberStyles.None, CultureInfo.InvariantCulture, out var most) && most > 0;
        return new StoredSockets(found, isOffered);
    }

    /// <summary>The socket with this key; the caller owns it.</summary>
    public Socket? Take(string key)
    {
        lock (_lock)
        {
            return _byKey.Remove(key, out var socket) ? socket : null;
        }
    }

    /// <summary>All sockets whose key begins with the prefix, in order; the caller owns them.</summary>
    public IReadOnlyList<(string Key, Socket Socket)> TakeAll(string prefix)
    {
        lock (_lock)
        {
            (string Key, Socket Socket)[] all = [.. _byKey.Where(one => one.Key.StartsWith(prefix, StringComparison.Ordinal)).OrderBy(static one => one.Key, StringComparer.Ordinal).Select(static one => (one.Key, one.Value))];
            foreach (var (key, _) in all)
            {
                _byKey.Remove(key);
            }

            return all;
        }
    }

    /// <summary>Closes the sockets that were not taken.</summary>
    public void Dispose()
    {
        Socket[] rest;
        lock (_lock)
        {
            rest = [.. _byKey.Values];
            _byKey.Clear();
        }

        foreach (var socket in rest)
        {
            socket.Dispose();
        }
    }

    // Clients cannot find a Unix socket without its file.
    private static bool IsReachable(Socket socket)
    {
        try
        {
            return socket.LocalEndPoint is { } local && (ListenEndpoint.Of(local) is not { UnixPath: { } path, IsAbstract: false } || LibcFiles.StatusOf(path) is { Type: LibcFiles.S_IFSOCK });
        }
        catch (Exception e) when (e is SocketException or NotSupportedException)
        {
            return false;
        }
    }
}
