using Spectre.Console;
using Spectre.Console.Rendering;

namespace KestrelGreenTransport.Tool.Rendering;

/// <summary>Writes to standard output: with colours on a terminal unless NO_COLOR is set, plain when piped.</summary>
internal static class PlainConsole
{
    // Wider than any line, and small enough for arithmetic.
    private const int Unbounded = 1_000_000;

    public static IAnsiConsole Of(ToolHost host)
    {
        var coloured = IsColoured(host);
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(host.Out),
            Ansi = coloured ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = coloured ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });

        // Piped output is for grep: lines are not wrapped.
        console.Profile.Width = host.IsTerminal ? host.Width : Unbounded;
        return console;
    }

    public static bool IsColoured(ToolHost host) => host.IsTerminal && string.IsNullOrEmpty(host.Environment.GetValueOrDefault("NO_COLOR"));

    /// <summary>Writes a table or similar without the blanks that pad its last column.</summary>
    public static void Write(ToolHost host, IRenderable what)
    {
        if (IsColoured(host))
        {
            Of(host).Write(what);
            return;
        }

        var text = new StringWriter();
        Of(host with { Out = text }).Write(what);
        foreach (var line in text.ToString().TrimEnd('\n').Split('\n'))
        {
            host.Out.WriteLine(line.TrimEnd());
        }
    }
}
