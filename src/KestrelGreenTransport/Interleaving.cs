using System.Diagnostics;

namespace KestrelGreenTransport;

/// <summary>
/// Named points between two steps that other threads may come between. In debug builds a test can have them come: orders of
/// steps that are rare become common. In release builds neither the points nor their names are there.
/// </summary>
internal static class Interleaving
{
    private static Action<string>? _visitor;

    /// <summary>Called at each point, on the thread that passes it, with the point's name; null for nobody. For one test at a time.</summary>
    public static Action<string>? Visitor
    {
        get => Volatile.Read(ref _visitor);
        set => Volatile.Write(ref _visitor, value);
    }

    [Conditional("DEBUG")]
    public static void Point(string name) => Visitor?.Invoke(name);
}
