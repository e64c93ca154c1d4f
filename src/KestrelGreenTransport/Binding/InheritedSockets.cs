using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Binding;

/// <summary>The listening sockets that this process was born with, from a supervisor and from systemd. All hosts of the process share them.</summary>
internal sealed class InheritedSockets
{
    private static readonly Lazy<InheritedSockets> Process = new(() =>
    {
        var worker = WorkerContract.Current;
        IReadOnlyList<InheritedListener> announced = worker?.Listeners ?? [];
        InheritedSocket[] all = [.. announced.Select(InheritedSocket.Adopt), .. SystemdSockets.Take()];

        // A supervisor that only wants to see heartbeats gives its worker no listener: then the app binds as ever.
        return new InheritedSockets(all, isWorker: worker is not null && all.Length != 0, hasBroker: worker is { HasBroker: true });
    });

    private readonly IReadOnlyList<InheritedSocket> _all;

    public InheritedSockets(IReadOnlyList<InheritedSocket> all, bool isWorker, bool hasBroker = false)
    {
        _all = all;
        IsWorker = isWorker || hasBroker;
        HasBroker = hasBroker;
    }

    /// <summary>Those of this process. The first look takes them over.</summary>
    /// <exception cref="FormatException">A variable of the worker contract is malformed.</exception>
    /// <exception cref="IOException">An announced descriptor is no listening socket.</exception>
    public static InheritedSockets OfProcess => Process.Value;

    /// <summary>Whether a supervisor gives this process its listeners: then it binds nothing by itself.</summary>
    public bool IsWorker { get; }

    /// <summary>Whether the supervisor binds what the app asks for.</summary>
    public bool HasBroker { get; }

    public bool Any => _all.Count != 0;

    public HostClaims Claims { get; } = new();

    /// <summary>Those that no host of this process serves yet.</summary>
    public IReadOnlyList<InheritedListener> Unclaimed => [.. Listeners.Where(one => !Claims.IsTaken(one.Endpoint.ToString()))];

    public IReadOnlyList<InheritedListener> Listeners => [.. _all.Select(static one => new InheritedListener(one.Number, one.Endpoint))];

    /// <summary>Those that no endpoint of the app was answered by: clients would wait in their queues for ever.</summary>
    public IEnumerable<InheritedSocket> Unused => _all.Where(static one => !one.IsUsed);

    /// <summary>The app stops: nobody will ask any more.</summary>
    public void GiveUp()
    {
        foreach (var one in _all)
        {
            one.Dispose();
        }
    }

    /// <summary>What answers an endpoint of the app: exactly that one first, else one whose clients it would get.</summary>
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
