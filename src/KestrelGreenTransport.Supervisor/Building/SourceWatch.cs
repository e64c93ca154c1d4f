using KestrelGreenTransport.Supervisor.Reporting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>
/// Watches a project's source, and reports a change after a short time without further ones: an editor writes a file in several
/// steps, and a user saves several files.
/// </summary>
internal sealed class SourceWatch : IDisposable
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(300);

    private readonly List<FileSystemWatcher> _watchers = [];
    private readonly AutoResetEvent _woken = new(false);
    private readonly Action<string> _changed;
    private readonly Thread _thread;
    private volatile string? _last;
    private volatile bool _isOver;

    /// <param name="folders">The folders of the source.</param>
    /// <param name="changed">Called, on a thread of this object, with a changed file: the last one if there are several.</param>
    /// <param name="logger">For folders that cannot be watched.</param>
    public SourceWatch(IEnumerable<string> folders, Action<string> changed, ILogger logger)
    {
        _changed = changed;
        foreach (var folder in folders)
        {
            Watch(folder, logger);
        }

        _thread = new Thread(Run) { IsBackground = true, Name = "green-watch" };
        _thread.Start();
    }

    public void Dispose()
    {
        foreach (var watcher in _watchers)
        {
            watcher.Dispose();
        }

        _isOver = true;
        _woken.Set();
        _thread.Join();
        _woken.Dispose();
    }

    private void Watch(string folder, ILogger logger)
    {
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = new FileSystemWatcher(folder) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite };
            watcher.Changed += (_, change) => Notice(folder, change.FullPath);
            watcher.Created += (_, change) => Notice(folder, change.FullPath);
            watcher.Deleted += (_, change) => Notice(folder, change.FullPath);
            watcher.Renamed += (_, change) =>
            {
                Notice(folder, change.OldFullPath);
                Notice(folder, change.FullPath);
            };

            // Events were lost because there were too many at once.
            watcher.Error += (_, _) => Wake(folder);
            watcher.EnableRaisingEvents = true;
            _watchers.Add(watcher);
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            watcher?.Dispose();
            SupervisorLog.NotWatched(logger, folder, e.Message);
        }
    }

    private void Notice(string folder, string path)
    {
        if (SourceFiles.IsSource(Path.GetRelativePath(folder, path)))
        {
            Wake(path);
        }
    }

    private void Wake(string path)
    {
        _last = path;
        _woken.Set();
    }

    private void Run()
    {
        while (true)
        {
            _woken.WaitOne();
            while (!_isOver && _woken.WaitOne(Quiet))
            {
            }

            if (_isOver)
            {
                return;
            }

            _changed(_last!);
        }
    }
}
