using System.Buffers;
using System.Collections;
using System.IO.Pipelines;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>
/// The connection is its own feature collection: the transport's features cost no allocation. The four or five features
/// that Kestrel and middleware set are kept in a short list, which is searched first.
/// </summary>
internal sealed partial class EpollConnection
    : IFeatureCollection,
      IConnectionIdFeature,
      IConnectionTransportFeature,
      IConnectionItemsFeature,
      IMemoryPoolFeature,
      IConnectionLifetimeFeature,
      IConnectionSocketFeature,
      IConnectionEndPointFeature
{
    private readonly List<KeyValuePair<Type, object?>> _set = new(8);
    private string? _connectionId;
    private IDictionary<object, object?>? _items;
    private Socket? _socket;
    private int _revision;

    public override string ConnectionId
    {
        get => _connectionId ??= ConnectionIds.Next();
        set => _connectionId = value;
    }

    public override IFeatureCollection Features => this;

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport { get; set; }

    MemoryPool<byte> IMemoryPoolFeature.MemoryPool => _loop.Blocks.Pool;

    // For code that reads socket options. It does not own the descriptor, and must not be read from or written to.
    Socket IConnectionSocketFeature.Socket
    {
        get
        {
            lock (_set)
            {
                ObjectDisposedException.ThrowIf(_disposed != 0, this);
                // The descriptor stays open until CloseSocketFeature has held this lock.
                return _socket ??= new Socket(new SafeSocketHandle(_descriptor, ownsHandle: false));
            }
        }
    }

    bool IFeatureCollection.IsReadOnly => false;

    int IFeatureCollection.Revision => _revision;

    object? IFeatureCollection.this[Type key]
    {
        get => GetFeature(key);
        set => SetFeature(key, value);
    }

    TFeature? IFeatureCollection.Get<TFeature>()
        where TFeature : default => (TFeature?)GetFeature(typeof(TFeature));

    void IFeatureCollection.Set<TFeature>(TFeature? instance)
        where TFeature : default => SetFeature(typeof(TFeature), instance);

    IEnumerator<KeyValuePair<Type, object>> IEnumerable<KeyValuePair<Type, object>>.GetEnumerator()
    {
        foreach (var (key, feature) in _set)
        {
            if (feature is not null)
            {
                yield return new(key, feature);
            }
        }

        foreach (var key in (Type[])
            [
                typeof(IConnectionIdFeature), typeof(IConnectionTransportFeature), typeof(IConnectionItemsFeature), typeof(IMemoryPoolFeature),
                typeof(IConnectionLifetimeFeature), typeof(IConnectionSocketFeature), typeof(IConnectionEndPointFeature),
            ])
        {
            if (IndexOf(key) < 0)
            {
                yield return new(key, this);
            }
        }

        yield return new(typeof(ConnectionActivity), Activity);
    }

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<KeyValuePair<Type, object>>)this).GetEnumerator();

    private object? GetFeature(Type key)
    {
        var index = IndexOf(key);
        if (index >= 0)
        {
            return _set[index].Value;
        }

        if (key == typeof(ConnectionActivity))
        {
            return Activity;
        }

        return key == typeof(IConnectionIdFeature)
            || key == typeof(IConnectionTransportFeature)
            || key == typeof(IConnectionItemsFeature)
            || key == typeof(IMemoryPoolFeature)
            || key == typeof(IConnectionLifetimeFeature)
            || key == typeof(IConnectionSocketFeature)
            || key == typeof(IConnectionEndPointFeature)
            ? this
            : null;
    }

    private void SetFeature(Type key, object? feature)
    {
        ArgumentNullException.ThrowIfNull(key);
        _revision++;
        var index = IndexOf(key);
        if (index >= 0)
        {
            _set[index] = new(key, feature);
        }
        else
        {
            _set.Add(new(key, feature));
        }
    }

    private int IndexOf(Type key)
    {
        for (var i = 0; i < _set.Count; i++)
        {
            if (_set[i].Key == key)
            {
                return i;
            }
        }

        return -1;
    }

    private void CloseSocketFeature()
    {
        lock (_set)
        {
            _socket?.Dispose();
        }
    }
}
