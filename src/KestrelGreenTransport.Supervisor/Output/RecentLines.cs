using System.Collections.Concurrent;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>The last lines that each worker wrote, kept for the report when it cannot start.</summary>
internal sealed class RecentLines
{
    private const int Kept = 30;

    private readonly ConcurrentDictionary<int, Queue<string>> _byIndex = new();

    public void Add(int index, string line)
    {
        var lines = _byIndex.GetOrAdd(index, static _ => new Queue<string>(Kept));
        lock (lines)
        {
            if (lines.Count == Kept)
            {
                lines.Dequeue();
            }

            lines.Enqueue(line);
        }
    }

    /// <summary>Oldest first; empty when it wrote nothing.</summary>
    public IReadOnlyList<string> Of(int index)
    {
        if (!_byIndex.TryGetValue(index, out var lines))
        {
            return [];
        }

        lock (lines)
        {
            return [.. lines];
        }
    }
}
