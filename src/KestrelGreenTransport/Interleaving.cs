using System.Diagnostics;

namespace KestrelGreenTransport;

/// <summary>
/// Named points between two steps where another thread may come in between. In debug builds a test can make that happen, so
/// that rare orders of steps become common. Release builds contain neither the points nor their names.
/// </summary>
internal static class Interleaving
{
    private static Action<string>? _visitor;

    /// <summary>Called at each point, on the thread that passes it, with the point's name; null for none. For one test at a time.</summary>
    public static Action<string>? Visitor
    {
        get => Volatile.Read(ref _visitor);
        set => Volatile.Write(ref _visitor, value);
    }

    [Conditional("DEBUG")]
    public static void Point(string name) => Visitor?.Invoke(name);
}
