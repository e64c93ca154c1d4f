using System.Runtime.InteropServices;
using System.Text;

namespace KestrelGreenTransport.Tool.Top;

/// <summary>Uses the terminal's alternate screen until it is disposed; then the previous content reappears.</summary>
internal sealed class TopTerminal : IDisposable
{
    private const string Enter = "\e[?1049h\e[?25l";

    // Reading keys switches the keypad mode, and .NET does not restore it.
    private const string Leave = "\e[?25h\e[?1049l\e[?1l\e>";

    private readonly TextWriter _out;
    private readonly PosixSignalRegistration[] _signals;
    private volatile bool _isEnding;

    public TopTerminal(TextWriter output)
    {
        _out = output;

        // Ctrl+C is handled as a key, so that there is only one way to leave.
        Console.TreatControlCAsInput = true;
        _signals =
        [
            .. new[] { PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGINT, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                _isEnding = true;
            })),
        ];
        _out.Write(Enter);
        _out.Flush();
    }

    /// <summary>Whether a signal asked us to end.</summary>
    public bool IsEnding => _isEnding;

    public static (int Width, int Height) Size =>
        (Console.WindowWidth > 0 ? Console.WindowWidth : 80, Console.WindowHeight > 0 ? Console.WindowHeight : 24);

    /// <summary>The next key; null if none was pressed.</summary>
    public static ConsoleKeyInfo? Key() => Console.KeyAvailable ? Console.ReadKey(intercept: true) : null;

    public void Show(IReadOnlyList<string> lines)
    {
        // In one write, starting at the top left corner, so that nothing flickers.
        var frame = new StringBuilder("\e[H");
        for (var i = 0; i < lines.Count; i++)
        {
            frame.Append(lines[i]).Append("\e[K").Append(i < lines.Count - 1 ? "\r\n" : "");
        }

        _out.Write(frame.Append("\e[J").ToString());
        _out.Flush();
    }

    public void Dispose()
    {
        _out.Write(Leave);
        _out.Flush();
        Console.TreatControlCAsInput = false;
        foreach (var signal in _signals)
        {
            signal.Dispose();
        }
    }
}
