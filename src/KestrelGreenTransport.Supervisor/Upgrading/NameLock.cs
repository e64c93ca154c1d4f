using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Upgrading;

/// <summary>
/// What keeps a second instance of the same name from starting: a lock on the heartbeat directory of the first supervisor. It is
/// one lock for all that take over from that one, since it belongs to the open directory, and a descriptor of that is passed on.
/// </summary>
internal sealed class NameLock : IDisposable
{
    private readonly HeartbeatDirectory? _own;
    private readonly (string Path, Descriptor Directory) _shared;
    private volatile bool _isLetGo;

    private NameLock(HeartbeatDirectory own) => _own = own;

    private NameLock(string path, Descriptor directory)
    {
        _shared = (path, directory);
        _isLetGo = true;
    }

    public int Number => _own?.Number ?? _shared.Directory.Number;

    /// <summary>The lock that this supervisor has taken with its heartbeat directory.</summary>
    public static NameLock Of(HeartbeatDirectory own) => new(own);

    /// <summary>The lock of the supervisor before, whose heartbeat directory this is.</summary>
    public static NameLock Share(string path, int descriptor) => new(path, new Descriptor(descriptor));

    /// <summary>It is ours from now on, with the directory.</summary>
    public void TakeOver() => _isLetGo = false;

    /// <summary>It is another supervisor's from now on.</summary>
    public void LetGo()
    {
        _isLetGo = true;
        _own?.LetGo();
    }

    public void Dispose()
    {
        if (_own is not null)
        {
            return;
        }

        if (!_isLetGo)
        {
            // Still held: nobody else has a place there by then.
            _ = Posix.rmdir(_shared.Path);
        }

        _shared.Directory.Dispose();
    }
}
