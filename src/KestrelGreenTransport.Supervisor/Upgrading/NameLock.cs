using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Upgrading;

/// <summary>
/// Keeps a second instance of the same name from starting: a lock on the heartbeat directory of the first supervisor. All its
/// successors share this one lock: it belongs to the open directory, whose descriptor is passed on.
/// </summary>
internal sealed class NameLock : HandedOver, IDisposable
{
    private readonly HeartbeatDirectory? _own;
    private readonly (string Path, Descriptor Directory) _shared;

    private NameLock(HeartbeatDirectory own) => _own = own;

    private NameLock(string path, Descriptor directory)
    {
        _shared = (path, directory);
        IsOurs = false;
    }

    public int Number => _own?.Number ?? _shared.Directory.Number;

    /// <summary>The lock that this supervisor has taken with its heartbeat directory.</summary>
    public static NameLock Of(HeartbeatDirectory own) => new(own);

    /// <summary>The lock of the previous supervisor, on its heartbeat directory.</summary>
    public static NameLock Share(string path, int descriptor) => new(path, new Descriptor(descriptor));

    public override void LetGo()
    {
        base.LetGo();
        _own?.LetGo();
    }

    public void Dispose()
    {
        if (_own is not null)
        {
            return;
        }

        if (IsOurs)
        {
            // The lock is still held: no other instance can be using the path.
            _ = Posix.rmdir(_shared.Path);
        }

        _shared.Directory.Dispose();
    }
}
