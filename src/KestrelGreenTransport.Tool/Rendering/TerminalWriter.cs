using System.Text;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Tool.Rendering;

/// <summary>
/// Writes text to a terminal that may come from workers and their clients: colours pass, other terminal controls are escaped.
/// </summary>
internal sealed class TerminalWriter(TextWriter terminal) : TextWriter
{
    /// <summary>The terminal itself, for code that must control it.</summary>
    public TextWriter Terminal { get; } = terminal;

    public override Encoding Encoding => Terminal.Encoding;

    public override void Write(char value) => Terminal.Write(TerminalText.Of(value.ToString()));

    public override void Write(char[] buffer, int index, int count) => Terminal.Write(TerminalText.Of(new string(buffer, index, count)));

    public override void Write(string? value) => Terminal.Write(value is null ? null : TerminalText.Of(value));

    public override void WriteLine(string? value) => Terminal.WriteLine(value is null ? null : TerminalText.OfLine(value));

    public override void Flush() => Terminal.Flush();
}
