using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Binding;

/// <summary>The listening sockets that this process inherited from a supervisor and from systemd. All its hosts share them.</summary>
internal sealed class InheritedSockets
{
    private static readonly Lazy<InheritedSockets> Process = new(() =>
    {
        var worker = WorkerContract.Current;
        IReadOnlyList<InheritedListener> announced = worker?.Listeners ?? [];
        InheritedSocket[] all = [.. announced.Select(InheritedSocket.Adopt), .. SystemdSockets.Take()];

        // A supervisor that only wants heartbeats gives its worker no listener: then the app binds as usual.
        return new InheritedSockets(all, isWorker: worker is not null && all.Length != 0, hasBroker: worker is { HasBroker: true });
    });

    private readonly IReadOnlyList<InheritedSocket> _all;

    public InheritedSockets(IReadOnlyList<InheritedSocket> all, bool isWorker, bool hasBroker = false)
    {
        _all = all;
        IsWorker = isWorker || hasBroker;
        HasBroker = hasBroker;
    }

    /// <summary>The sockets of this process. The first access takes them over.</summary>
    /// <exception cref="FormatException">A variable of the worker contract is malformed.</exception>
    /// <exception cref="IOException">An announced descriptor is not a listening socket.</exception>
    public static InheritedSockets OfProcess => Process.Value;

    /// <summary>Whether a supervisor gives this process its listeners: then it binds none itself.</summary>
    public bool IsWorker { get; }

    /// <summary>Whether the supervisor binds what the app asks for.</summary>
    public bool HasBroker { get; }

    public bool Any => _all.Count != 0;

    public HostClaims Claims { get; } = new();

    /// <summary>The listeners that no host of this process serves yet.</summary>
    public IReadOnlyList<InheritedListener> Unclaimed => [.. Listeners.Where(one => !Claims.IsTaken(one.Endpoint.ToString()))];

    public IReadOnlyList<InheritedListener> Listeners => [.. _all.Select(static one => new InheritedListener(one.Number, one.Endpoint))];

    /// <summary>The sockets that no endpoint of the app uses: clients would wait in their queues for ever.</summary>
    public IEnumerable<InheritedSocket> Unused => _all.Where(static one => !one.IsUsed);

    /// <summary>The app stops and will ask for no more sockets.</summary>
    public void GiveUp()
    {
        foreach (var one in _all)
        {
            one.Dispose();
        }
    }

    /// <summary>The socket that answers an endpoint of the app: an exact match first, else one that would get its clients.</summary>
    public InheritedSocket? Find(EndPoint asked)
    {
        if (asked is FileHandleEndPoint file)
        {
            return _all.FirstOrDefault(one => (ulong)one.Number == file.FileHandle);
        }

        if (asked is UnixDomainSocketEndPoint unix && InheritedUrls.TryGetPlaceholder(unix, out var number))
        {
            return _all.FirstOrDefault(one => one.Number == number);
        }

        return _all.FirstOrDefault(one => one.Endpoint.Equals(asked)) ?? _all.FirstOrDefault(one => one.Endpoint.Covers(asked));
    }
}
